/**
 * Two connections that face each other in memory, without channel and server: for tests that look at what a connection
 * counts. Either side may call the other.
 */
import type { Clock } from '../../src/base/clock.js';
import { defaultLimits, type Limits } from '../../src/base/limits.js';
import type { CallHost, HostedMethod } from '../../src/connection/calls/call-host.js';
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import type { RpcError } from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import type { Transport } from '../../src/transport/transport.js';

export interface ConnectionPair {
  readonly dialing: Connection;
  readonly accepting: Connection;
  /** What ended each side, once it has ended. */
  readonly endings: { dialing: RpcError | null; accepting: RpcError | null };
}

export interface PairOptions {
  readonly clock: Clock;
  readonly limits?: Partial<Limits>;
  /** Served by both sides. */
  readonly methods: readonly HostedMethod[];
  /** Told of what handlers threw that is no `RpcError`. */
  readonly onHandlerError?: (error: unknown) => void;
}

export function connectPair({ clock, limits, methods, onHandlerError }: PairOptions): ConnectionPair {
  const endings: ConnectionPair['endings'] = { dialing: null, accepting: null };
  const byName = new Map(methods.map((method) => [method.spec.name, method]));
  const host: CallHost = {
    lookup: (name) => byName.get(name) ?? null,
    onHandlerError: (error) => onHandlerError?.(error),
  };
  const schemas = new SchemaCache();
  const open = (side: 'dialing' | 'accepting', transport: Transport): Connection =>
    new Connection({
      transport,
      side,
      clock,
      random: () => 0.5,
      limits: { ...defaultLimits, ...limits },
      handshakeMs: 5_000,
      host,
      compression: 'off',
      compressors: [],
      compressionBytesMin: 4_096,
      software: 'pair',
      instance: Buffer.alloc(16, side === 'dialing' ? 1 : 2),
      schemas,
      observer: {
        onOpen() {},
        onRetired() {},
        onClosed: (_connection, reason) => {
          endings[side] = reason;
        },
      },
    });
  const [dialing, accepting] = memoryPair(clock);
  return { dialing: open('dialing', dialing), accepting: open('accepting', accepting), endings };
}
