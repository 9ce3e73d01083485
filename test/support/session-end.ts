/**
 * One side of a session of `spec/vectors` as a live connection: does what the session's actions say, and checks what has come of
 * its calls. The clock and the transport are given: `session-runner.ts` uses virtual ones, the tests of `native/peer` real ones.
 */
import * as assert from 'uvu/assert';
import type { Clock } from '../../src/base/clock.js';
import { RpcError } from '../../src/base/errors.js';
import { defaultLimits } from '../../src/base/limits.js';
import type { Compressor } from '../../src/compression/compressor.js';
import { CallMarks } from '../../src/connection/calls/call-marks.js';
import { type CallExtras, type CallResult, PendingCall } from '../../src/connection/calls/pending-call.js';
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import { IncomingPieces } from '../../src/connection/streams/incoming-blob.js';
import { IncomingStream } from '../../src/connection/streams/incoming-stream.js';
import { Source } from '../../src/connection/streams/source.js';
import type { Transport } from '../../src/transport/transport.js';
import { frameChecksums } from '../../src/wire/frame-checksums.js';
import type { Metadata } from '../../src/wire/records/metadata.js';
import { metadataOf, metadataView } from './frame-view.js';
import { ItemQueue } from './item-queue.js';
import { SessionMethods } from './session-methods.js';
import { instances } from './vectors/session-builder.js';
import {
  type ActionView,
  expandHex,
  type ResultView,
  type SessionFile,
  type SideView,
  type StepView,
} from './vectors/view.js';

interface MadeCall {
  readonly abort: AbortController;
  /** What this side sends, for a call whose messages are items. */
  readonly source: ItemQueue;
  /** The callee's items, of a stream, and those of them that were taken. */
  readonly incoming: IncomingStream | null;
  readonly items: Buffer[];
  outcome: { readonly value: unknown; readonly error: unknown } | null;
}

/** Waits until something holds, or throws that it did not. */
export type Until = (holds: () => boolean, what: string) => Promise<void>;

export interface SessionSurroundings {
  readonly clock: Clock;
  /** Of the handlers that answer later. Default: `clock`. */
  readonly handlerClock?: Clock;
  readonly transport: Transport;
  readonly compressors: readonly Compressor[];
  readonly until: Until;
}

export class SessionEnd {
  readonly connection: Connection;
  private readonly methods: SessionMethods;
  private readonly calls = new Map<string, MadeCall>();
  private readonly clock: Clock;
  private readonly until: Until;

  constructor(session: SessionFile, side: SideView, surroundings: SessionSurroundings) {
    const { clock, handlerClock = clock, transport, compressors, until } = surroundings;
    this.clock = clock;
    this.until = until;
    const { limits, compression = [], capabilities = [], methods } = session[side] ?? {};
    this.methods = new SessionMethods(handlerClock, methods);
    this.connection = new Connection({
      transport,
      side: side === 'dialler' ? 'dialing' : 'accepting',
      clock,
      random: () => 0.5,
      limits: { ...defaultLimits, ...limits },
      handshakeMs: 5_000,
      host: this.methods,
      compression: 'off',
      compressors: compressors.filter(({ name }) => compression.includes(name)),
      checksums: capabilities.includes('checksum') ? frameChecksums() : null,
      compressionBytesMin: 4_096,
      software: 'session runner',
      instance: Buffer.from(instances[side], 'hex'),
      schemas: new SchemaCache(),
      observer: { onOpen() {}, onRetired() {}, onClosed() {} },
    });
  }

  /** What handlers threw that is no `RpcError`. */
  get errors(): readonly unknown[] {
    return this.methods.errors;
  }

  perform(action: ActionView): void {
    const { connection } = this;
    if (action.call !== undefined) this.call(action.call, action);
    else if (action.cancel !== undefined) this.calls.get(action.cancel)?.abort.abort();
    else if (action.send !== undefined) this.calls.get(action.send)?.source.push(expandHex(action.item ?? ''));
    else if (action.end !== undefined) this.calls.get(action.end)?.source.end();
    else if (action.take !== undefined) void take(this.calls.get(action.take), action.items ?? 0);
    else if (action.drain !== undefined) connection.drain('restarting', action.drain.graceMs);
    else if (action.close) connection.close();
    else throw new Error(`not a thing this connection can do: ${JSON.stringify(action)}`);
  }

  private call(name: string, { method = '', request, value, deadlineMs, metadata, ledger }: ActionView): void {
    const spec = this.methods.spec(method);
    const { kind } = spec;
    const incoming =
      kind === 'blob'
        ? new IncomingPieces(true)
        : kind === 'serverStream' || kind === 'duplex'
          ? new IncomingStream()
          : null;
    const made: MadeCall = {
      abort: new AbortController(),
      source: new ItemQueue(),
      incoming,
      items: [],
      outcome: null,
    };
    this.calls.set(name, made);
    const extras: CallExtras = {
      metadata: metadata === undefined ? null : metadataOf(metadata),
      signal: made.abort.signal,
      detailed: true,
      priority: 0,
      ledger: ledger ? new CallMarks(this.clock) : null,
      ...(incoming === null ? {} : { incoming }),
      ...(kind === 'clientStream' || kind === 'duplex' || kind === 'blob'
        ? { source: new Source(made.source, () => {}) }
        : {}),
    };
    const message = request === undefined ? value : expandHex(request);
    const resolve = (result: unknown): void => {
      made.outcome = { value: result, error: null };
      incoming?.end((result as CallResult).metadata);
    };
    const reject = (error: unknown): void => {
      made.outcome = { value: null, error };
      incoming?.fail(error as RpcError);
    };
    const deadlineAt = this.clock.now() + (deadlineMs ?? Number.POSITIVE_INFINITY);
    this.connection.caller.resume(new PendingCall(spec, message, deadlineAt, extras, resolve, reject));
  }

  /** What an `at` step of this side says. */
  async check({ result, handled }: StepView): Promise<void> {
    if (result !== undefined) await this.checkResult(result);
    if (handled === undefined) return;
    await this.until(() => this.methods.handled.length > 0, 'a oneway handler');
    const [method, request] = this.methods.handled.shift() as [string, Buffer];
    assert.equal([method, request.toString('hex')], [handled.method, expandHex(handled.request).toString('hex')]);
  }

  private async checkResult(expected: ResultView): Promise<void> {
    const made = this.calls.get(expected.call) as MadeCall;
    if (expected.items !== undefined) {
      const { items } = expected;
      // Whatever else there is would be one too many.
      void take(made, Number.POSITIVE_INFINITY);
      await this.until(() => made.items.length >= items.length, `${items.length} items of call ${expected.call}`);
      assert.equal(
        made.items.map((item) => item.toString('hex')),
        items.map((item) => expandHex(item).toString('hex')),
      );
    }
    await this.until(() => made.outcome !== null, `the result of call ${expected.call}`);
    const { value, error } = made.outcome as NonNullable<MadeCall['outcome']>;
    if (expected.failure !== undefined) {
      assert.instance(error, RpcError);
      const { code, started } = error as RpcError;
      assert.equal({ code, started: started.toUpperCase() }, expected.failure);
      return;
    }
    assert.is(error, null, String(error));
    const result = value as { readonly value: unknown; readonly metadata: Metadata | null };
    if (expected.response !== undefined) assert.equal(result.value, expandHex(expected.response));
    if (expected.value !== undefined) assert.equal(JSON.parse(JSON.stringify(result.value)), expected.value);
    if (expected.metadata !== undefined) assert.equal(metadataView(result.metadata ?? {}), expected.metadata);
  }
}

/** Takes so many items of a call, or all up to its end, whichever comes first. */
async function take(made: MadeCall | undefined, count: number): Promise<void> {
  if (made === undefined || made.incoming === null)
    throw new Error('the session takes items of a call without a stream');
  const { incoming, items } = made;
  try {
    for (let taken = 0; taken < count; taken++) {
      const next = await incoming.next();
      if (next.done) return;
      items.push(next.value as Buffer);
    }
  } catch (error) {
    // The call's result says the same.
    assert.is(error, made.outcome?.error);
  }
}
