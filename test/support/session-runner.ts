/**
 * Speaks a session of `spec/vectors` with a live connection, which plays one side, by the algorithm of the README there. The
 * other side is the script; time is virtual, so a session takes no time.
 */
import * as assert from 'uvu/assert';
import type { Compressor } from '../../src/compression/compressor.js';
import { CloseCode, PREFACE } from '../../src/wire/constants.js';
import { VirtualClock } from './clock.js';
import { decodeChunks } from './frame-view.js';
import { ScriptedTransport } from './scripted-transport.js';
import { SessionEnd, type Until } from './session-end.js';
import { frameBytes } from './vectors/bytes.js';
import { expandHex, type FrameView, type SessionFile, type SideView, type StepView } from './vectors/view.js';

/** How long an expected frame may take, in virtual time. */
const PATIENCE_MS = 1_000;
const PATIENCE_STEP_MS = 10;
/** Extra frames are looked for until then. */
const AFTERMATH_MS = 100;

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
  private readonly end: SessionEnd;
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
    const { clock, transport } = this;
    const until: Until = (holds, what) => this.until(holds, what);
    this.end = new SessionEnd(session, side, { clock, transport, compressors, until });
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
    assert.equal(this.end.errors, [], 'errors of handlers');
    this.end.connection.close();
    await this.clock.advanceSettled(AFTERMATH_MS);
  }

  private async take(step: StepView): Promise<void> {
    if (step.from === this.side) await this.expect(step);
    else if (step.from !== undefined) this.send(step);
    if (step.ends === this.side) await this.until(() => this.transport.ended, 'the end of the stream');
    else if (step.ends !== undefined) this.transport.sendEnd();
    if (step.at === this.side) await this.end.check(step);
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
    for (const action of actions) this.end.perform(action);
    const expected = joined(frames);
    await this.until(() => this.output().length >= this.matched + expected.length, `${expected.length} frames`);
    const found = this.output().slice(this.matched, this.matched + expected.length);
    this.matched += expected.length;
    for (const [index, frame] of expected.entries()) compare(found[index] as FrameView, frame, orCodes);
  }

  /** Everything the connection has sent, as whole messages, without what no session compares. */
  private output(): FrameView[] {
    const { frames, error } = decodeChunks([this.transport.output], {
      preface: true,
      checksum: (['dialler', 'acceptor'] as const).every((side) =>
        this.session[side]?.capabilities?.includes('checksum'),
      ),
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
