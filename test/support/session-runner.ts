/**
 * Speaks a session of `spec/vectors` with a live connection, which plays one side, by the algorithm of the README there. The
 * other side is the script; time is virtual, so a session takes no time.
 */
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { defaultLimits } from '../../src/base/limits.js';
import type { Compressor } from '../../src/compression/compressor.js';
import { CallMarks } from '../../src/connection/call-marks.js';
import { Connection } from '../../src/connection/connection.js';
import { IncomingPieces } from '../../src/connection/incoming-pieces.js';
import { IncomingStream } from '../../src/connection/incoming-stream.js';
import { type CallExtras, type CallResult, PendingCall } from '../../src/connection/pending-call.js';
import { SchemaCache } from '../../src/connection/schema-exchange.js';
import { CloseCode, PREFACE } from '../../src/wire/constants.js';
import type { Metadata } from '../../src/wire/records/metadata.js';
import { VirtualClock } from './clock.js';
import { decodeChunks, metadataOf, metadataView } from './frame-view.js';
import { ItemQueue } from './item-queue.js';
import { ScriptedTransport } from './scripted-transport.js';
import { SessionMethods } from './session-methods.js';
import { frameBytes } from './vectors/bytes.js';
import { instances } from './vectors/session-builder.js';
import {
  type ActionView,
  expandHex,
  type FrameView,
  type ResultView,
  type SessionFile,
  type SideView,
  type StepView,
} from './vectors/view.js';

/** How long an expected frame may take, in virtual time. */
const PATIENCE_MS = 1_000;
const PATIENCE_STEP_MS = 10;
/** Extra frames are looked for until then. */
const AFTERMATH_MS = 100;

interface MadeCall {
  readonly abort: AbortController;
  /** What this side sends, for a call whose messages are items. */
  readonly source: ItemQueue;
  /** The callee's items, of a stream, and those of them that were taken. */
  readonly incoming: IncomingStream | null;
  readonly items: Buffer[];
  outcome: { readonly value: unknown; readonly error: unknown } | null;
}

export async function runSession(
  session: SessionFile,
  side: SideView,
  compressors: readonly Compressor[],
  chunkBytes: number,
): Promise<void> {
  await new SessionRunner(session, side, compressors, chunkBytes).run();
}

class SessionRunner {
  private readonly clock = new VirtualClock();
  private readonly transport = new ScriptedTransport();
  private readonly methods: SessionMethods;
  private readonly connection: Connection;
  private readonly calls = new Map<string, MadeCall>();
  /** Frames of the connection that were expected and have come. */
  private matched = 0;
  /** Bytes of PING frames of the connection that the script has not answered. */
  private readonly pings: string[] = [];

  constructor(
    private readonly session: SessionFile,
    private readonly side: SideView,
    compressors: readonly Compressor[],
    private readonly chunkBytes: number,
  ) {
    const { limits, compression = [], methods } = session[side] ?? {};
    this.methods = new SessionMethods(this.clock, methods);
    this.connection = new Connection({
      transport: this.transport,
      side: side === 'dialler' ? 'dialing' : 'accepting',
      clock: this.clock,
      random: () => 0.5,
      limits: { ...defaultLimits, ...limits },
      handshakeMs: 5_000,
      host: this.methods,
      compression: 'off',
      compressors: compressors.filter(({ name }) => compression.includes(name)),
      compressionBytesMin: 4_096,
      software: 'session runner',
      instance: Buffer.from(instances[side], 'hex'),
      schemas: new SchemaCache(),
      observer: { onOpen() {}, onRetired() {}, onClosed() {} },
    });
  }

  async run(): Promise<void> {
    for (const [index, step] of this.session.steps.entries()) {
      try {
        await this.take(step);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${index} ${step.note ?? ''}: ${text}\nframes so far: ${JSON.stringify(this.output())}`, {
          cause: error,
        });
      }
    }
    await this.clock.advanceSettled(AFTERMATH_MS);
    assert.equal(this.output().slice(this.matched), [], 'frames that nobody expected');
    assert.equal(this.methods.errors, [], 'errors of handlers');
    this.connection.close();
    await this.clock.advanceSettled(AFTERMATH_MS);
  }

  private async take(step: StepView): Promise<void> {
    if (step.from === this.side) await this.expect(step);
    else if (step.from !== undefined) this.send(step);
    if (step.ends === this.side) await this.until(() => this.transport.ended, 'the end of the stream');
    else if (step.ends !== undefined) this.transport.sendEnd();
    if (step.at !== this.side) return;
    if (step.result !== undefined) await this.checkResult(step.result);
    const { handled } = step;
    if (handled === undefined) return;
    await this.until(() => this.methods.handled.length > 0, 'a oneway handler');
    const [method, request] = this.methods.handled.shift() as [string, Buffer];
    assert.equal([method, request.toString('hex')], [handled.method, expandHex(handled.request).toString('hex')]);
  }

  private send({ wire = '', frames = [], preface }: StepView): void {
    this.output();
    const answersPing = frames.some(({ type }) => type === 'PONG') && this.pings.length > 0;
    const bytes = answersPing
      ? frames.map((view) =>
          frameBytes(view.type === 'PONG' ? { ...view, opaque: this.pings.shift() as string } : view),
        )
      : [expandHex(wire)];
    this.transport.send(Buffer.concat(answersPing && preface ? [PREFACE, ...bytes] : bytes), this.chunkBytes);
  }

  private async expect({ do: actions = [], frames = [], orCodes = [] }: StepView): Promise<void> {
    for (const action of actions) this.perform(action);
    const expected = joined(frames);
    await this.until(() => this.output().length >= this.matched + expected.length, `${expected.length} frames`);
    const found = this.output().slice(this.matched, this.matched + expected.length);
    this.matched += expected.length;
    for (const [index, frame] of expected.entries()) compare(found[index] as FrameView, frame, orCodes);
  }

  private perform(action: ActionView): void {
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
      ...(kind === 'clientStream' || kind === 'duplex' || kind === 'blob' ? { source: made.source } : {}),
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
    this.connection.resume(new PendingCall(spec, message, deadlineAt, extras, resolve, reject));
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

  /** Everything the connection has sent, as whole messages, without what no session compares. */
  private output(): FrameView[] {
    const { frames, error } = decodeChunks([this.transport.output], {
      preface: true,
      limits: { frameBytesMax: 16_777_216 },
    });
    assert.is(error, null, `the connection wrote what it may not: ${JSON.stringify(error)}`);
    const expectsPing = this.session.steps.some(
      ({ from, frames: of = [] }) => from === this.side && of.some(({ type }) => type === 'PING'),
    );
    const pings = frames.filter(({ type }) => type === 'PING').map(({ opaque = '' }) => opaque);
    this.pings.splice(0, this.pings.length, ...pings);
    return joined(frames).filter(({ type }) => type !== 'CREDIT' && (expectsPing || type !== 'PING'));
  }

  private async until(holds: () => boolean, what: string): Promise<void> {
    for (let waited = 0; !holds(); waited += PATIENCE_STEP_MS) {
      if (waited > PATIENCE_MS) throw new Error(`${what} did not come`);
      await this.clock.advanceSettled(waited === 0 ? 0 : PATIENCE_STEP_MS);
    }
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

/** Messages in one frame each, at the place of their last one, with their bodies as one hex text. */
function joined(frames: readonly FrameView[]): FrameView[] {
  const partial = new Map<string, FrameView>();
  const whole: FrameView[] = [];
  for (const frame of frames) {
    const key = JSON.stringify([frame.type, frame.call]);
    const { flags = [], body } = frame;
    const before = partial.get(key);
    const earlier = expandHex(before?.body ?? '');
    const text = body === undefined ? undefined : Buffer.concat([earlier, expandHex(body)]).toString('hex');
    const message = { ...(before ?? frame), ...(text === undefined ? {} : { body: text }) };
    if (body !== undefined && flags.includes('MORE')) {
      partial.set(key, { ...message, flags: (message.flags ?? []).filter((flag) => flag !== 'MORE') });
    } else {
      partial.delete(key);
      whole.push(message);
    }
  }
  return whole.map((message) => {
    const { flags, ...rest } = message;
    return flags === undefined || flags.length === 0 ? rest : message;
  });
}

function compare(found: FrameView, expected: FrameView, orCodes: readonly string[]): void {
  assert.is(found.type, expected.type, JSON.stringify(found));
  if (expected.type === 'HELLO') {
    const announced = ({ limits, capabilities, compression }: Readonly<Record<string, unknown>>) => ({
      limits,
      capabilities,
      compression,
    });
    assert.equal(announced(found.record ?? {}), announced(expected.record ?? {}));
    return;
  }
  const codes = orCodes.map((name) => CloseCode[name as keyof typeof CloseCode] as number);
  const otherCode = found.type === 'CLOSE' && codes.includes(found.record?.code as number);
  assert.equal(
    comparable(otherCode ? { ...found, ...(expected.record ? { record: expected.record } : {}) } : found),
    comparable(expected),
  );
  if (expected.deadlineMs === undefined) return;
  const { deadlineMs = 0 } = found;
  assert.ok(deadlineMs <= expected.deadlineMs && deadlineMs > 0.9 * expected.deadlineMs, `deadlineMs ${deadlineMs}`);
}

/** Without texts, durations and what else is free. */
function comparable({ record, deadlineMs, ledger, opaque, ...rest }: FrameView): unknown {
  return {
    ...rest,
    deadline: deadlineMs !== undefined,
    ledger: ledger !== undefined,
    ...(record === undefined ? {} : { record: { ...record, ...('text' in record ? { text: '' } : {}) } }),
    ...(opaque === undefined || rest.type === 'PING' ? {} : { opaque }),
  };
}
