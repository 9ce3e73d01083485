/**
 * A server and bare connections to it, on a clock that only the test moves: what a server does with calls is seen as it is, since
 * a connection, unlike a channel, makes no call again.
 */
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import { type Limits, RpcError, Server } from '../../src/index.js';
import { completeLimits } from '../../src/peer/settings.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import { VirtualClock } from '../support/clock.js';
import { handlers, Notes, type NotesHandlers } from '../support/rpc.js';

/** What became of a call. */
export interface Outcome {
  readonly id: number;
  /** Milliseconds after the test began. */
  readonly atMs: number;
  /** Null: it was answered. */
  readonly error: RpcError | null;
}

export interface AdmissionEnds {
  readonly clock: VirtualClock;
  readonly server: Server;
  readonly clients: readonly Connection[];
  /** In the order in which calls ended. */
  readonly outcomes: Outcome[];
  /** Milliseconds since the test began. */
  readonly elapsed: () => number;
  /** Calls `echo` from a connection, the first by default; the outcome is kept, and returned. */
  call(id: number, options?: CallSettings): Promise<Outcome>;
  close(): Promise<void>;
}

export interface CallSettings {
  readonly deadlineMs?: number;
  readonly client?: number;
  readonly text?: string;
  readonly signal?: AbortSignal;
}

export async function openAdmission(options: {
  readonly limits?: Partial<Limits>;
  readonly handlers: (clock: VirtualClock) => Partial<NotesHandlers>;
  /** Connections. Default 1. */
  readonly clients?: number;
}): Promise<AdmissionEnds> {
  const clock = new VirtualClock(1_000_000, 'microtasks');
  const startedAt = clock.now();
  const server = new Server({ clock, random: () => 0.5, limits: options.limits ?? {} });
  server.add(Notes, handlers(options.handlers(clock)));
  const schemas = new SchemaCache();
  const clients = Array.from({ length: options.clients ?? 1 }, () => dial(clock, server, schemas));
  await clock.advanceSettled(0);
  const outcomes: Outcome[] = [];
  const elapsed = (): number => clock.now() - startedAt;
  const call = async (id: number, settings: CallSettings = {}): Promise<Outcome> => {
    const { deadlineMs = Infinity, client = 0, text = '', signal = null } = settings;
    const extras = signal === null ? null : { metadata: null, signal, detailed: false, priority: 0 };
    let error: RpcError | null = null;
    try {
      await (clients[client] as Connection).caller.call(Notes.methods.echo, { id, text }, deadlineMs, extras as never);
    } catch (thrown) {
      if (!(thrown instanceof RpcError)) throw thrown;
      error = thrown;
    }
    const outcome: Outcome = { id, atMs: elapsed(), error };
    outcomes.push(outcome);
    return outcome;
  };
  const close = async (): Promise<void> => {
    const closed = server.close();
    await clock.advanceSettled(500);
    await closed;
  };
  return { clock, server, clients, outcomes, elapsed, call, close };
}

function dial(clock: VirtualClock, server: Server, schemas: SchemaCache): Connection {
  const [dialing, accepting] = memoryPair(clock);
  server.accept(accepting);
  return new Connection({
    transport: dialing,
    side: 'dialing',
    clock,
    random: () => 0.5,
    limits: completeLimits(),
    handshakeMs: 5_000,
    host: null,
    compression: 'off',
    compressors: [],
    compressionBytesMin: 4_096,
    software: 'test',
    instance: Buffer.alloc(16, 1),
    schemas,
    observer: { onOpen() {}, onRetired() {}, onClosed() {} },
  });
}

/** A handler that takes so long of the test's time, without using the processor. */
export function slow(clock: VirtualClock, ms: number): NotesHandlers['echo'] {
  return async (note) => {
    await clock.sleep(ms);
    return note;
  };
}

/** Ids of the calls that were answered, in order. */
export function answered({ outcomes }: AdmissionEnds): number[] {
  return outcomes.filter(({ error }) => error === null).map(({ id }) => id);
}
