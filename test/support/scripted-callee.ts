/**
 * A connection that makes calls to a callee of bytes by hand, on a clock that only the test moves: what its calls come to, what
 * is counted for their endpoint, and what is given back to the owner of the connection.
 */
import type { ServiceDefinition } from '../../src/avro/service/service.js';
import { LedgerSetting } from '../../src/connection/calls/call-marks.js';
import type { RetryReason } from '../../src/connection/calls/pending-call.js';
import { PendingCall } from '../../src/connection/calls/pending-call.js';
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import { type Client, defaultLimits, type Limits, type RpcCode, type RpcError } from '../../src/index.js';
import { clientOf } from '../../src/peer/stubs.js';
import { EndpointStats } from '../../src/resilience/endpoint-stats.js';
import type { VirtualClock } from './clock.js';
import { type FrameFields, type FrameName, frame, magic } from './frames.js';
import {
  type FailureRecord,
  type FrameRecords,
  helloRecord,
  type LimitsRecord,
  type RecordName,
  writeRecord,
} from './records.js';
import { ScriptedTransport } from './scripted-transport.js';

/** Writes down what it is told, in the order in which it is told. */
class CountedEnds extends EndpointStats {
  readonly ends: string[] = [];

  override onAnswer(_now: number, latencyMs: number): void {
    this.ends.push(`answer ${latencyMs}`);
  }

  override onUntimedEnd(): void {
    this.ends.push('end');
  }

  override onFailure(_now: number, code: RpcCode): void {
    this.ends.push(code);
  }
}

export interface OfferedCall {
  readonly call: PendingCall;
  readonly failure: RpcError;
  readonly why: RetryReason;
}

export class ScriptedCallee {
  readonly connection: Connection;
  readonly transport = new ScriptedTransport();
  readonly offered: OfferedCall[] = [];
  private readonly stats = new CountedEnds();

  constructor(
    readonly clock: VirtualClock,
    readonly endpoint: string,
    options: { readonly limits?: Partial<Limits>; readonly peerLimits?: Partial<LimitsRecord> } = {},
  ) {
    this.connection = new Connection({
      transport: this.transport,
      side: 'dialing',
      clock,
      random: () => 0.5,
      limits: { ...defaultLimits, ...options.limits },
      handshakeMs: 5_000,
      host: null,
      compression: 'off',
      compressors: [],
      compressionBytesMin: 4_096,
      software: 'test',
      instance: Buffer.alloc(16, 1),
      schemas: new SchemaCache(),
      stats: this.stats,
      endpoint,
      observer: {
        onOpen() {},
        onRetired() {},
        onRetryable: (call, failure, why) => this.offered.push({ call, failure, why }),
        onClosed() {},
      },
    });
    this.send(
      magic,
      frame('HELLO', { payload: writeRecord('HELLO', helloRecord({ limits: options.peerLimits ?? {} })) }),
    );
  }

  /** How the calls that count for the endpoint ended: `answer` with the latency in milliseconds, `end` of a stream, or a code. */
  get ends(): readonly string[] {
    return this.stats.ends;
  }

  client<S extends ServiceDefinition>(service: S): Client<S> {
    const { connection, clock } = this;
    return clientOf(
      {
        deadlineMsDefault: 1_000,
        ledgers: new LedgerSetting(clock, false),
        expectCompression() {},
        call: (spec, request, deadlineMs, extras) => connection.caller.call(spec, request, deadlineMs, extras),
        start: (spec, request, deadlineMs, extras, resolve, reject) =>
          connection.caller.resume(new PendingCall(spec, request, clock.now() + deadlineMs, extras, resolve, reject)),
      },
      service,
    );
  }

  send(...parts: readonly Buffer[]): void {
    this.transport.send(Buffer.concat(parts), Infinity);
  }

  say(name: FrameName, fields: FrameFields = {}): void {
    this.send(frame(name, fields));
  }

  record<Name extends RecordName>(name: Name, record: FrameRecords[Name], call = 0): void {
    this.say(name, { call, payload: writeRecord(name, record) });
  }

  fail(call: number, code: number, changes: Partial<FailureRecord> = {}): void {
    const record: FailureRecord = {
      code,
      started: 'YES',
      text: 'it failed',
      retryAfterMs: null,
      elsewhere: false,
      detail: null,
      ...changes,
    };
    this.record('FAILURE', record, call);
  }

  close(code: number): void {
    this.record('CLOSE', { code, text: 'because' });
  }

  /** Whatever this side owes to its tick, promises included. */
  settle(): Promise<void> {
    return this.clock.settle();
  }
}
