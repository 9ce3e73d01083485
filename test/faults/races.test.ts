/**
 * F27 at length: cancels and deadlines that race answers, on both sides of one connection at once and in virtual time, so
 * that a race is a matter of order and not of luck. TRUNKLINE_RACES sets how many calls are made (default 20,000):
 *
 *     TRUNKLINE_RACES=1000000 node .build/test/faults/races.test.js
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { raw } from '../../src/avro/service/raw.js';
import type { CallContext } from '../../src/connection/calls/call-context.js';
import type { Connection } from '../../src/connection/connection.js';
import { RpcError } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type MessageCodec, nextMethodOrdinal } from '../../src/wire/message-codec.js';
import { connectPair } from '../support/connection-pair.js';
import { type Random, withSeed } from '../support/seed.js';

const RACES = Number(process.env['TRUNKLINE_RACES'] ?? 20_000);
/** Calls in flight. */
const CALLS_OPEN_MAX = 400;
/** Steps of time that everything falls on: few, so that much falls on the same. */
const STEP_MS = 0.25;
const STEPS_MAX = 8;

const codec = raw as MessageCodec;
const spec = {
  ordinal: nextMethodOrdinal(),
  name: 'test.Race/run',
  kind: 'unary',
  request: codec,
  response: codec,
  errors: null,
  declared: null,
  idempotent: false,
  compression: undefined,
} as const;

type Outcome = 'answered' | 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'ABORTED';

class Race {
  readonly clock = new VirtualClock(1_000_000, 'microtasks');
  readonly outcomes: Record<Outcome, number> = { answered: 0, CANCELLED: 0, DEADLINE_EXCEEDED: 0, ABORTED: 0 };
  /** By the number of the call: how often its handler ran, and how often its caller heard of an end. */
  readonly runs: Uint8Array;
  readonly ends: Uint8Array;
  /** Broken invariants, as text. */
  readonly wrong: string[] = [];
  open = 0;
  private made = 0;
  /** Promises of handlers that have not settled, by the side that answers. */
  private readonly running = { dialing: 0, accepting: 0 };
  private readonly aborts = new Map<number, AbortController>();
  private readonly pair = connectPair({
    clock: this.clock,
    methods: [{ spec, invoke: (request, context) => this.handle(request as Buffer, context) }],
  });

  constructor(
    private readonly random: Random,
    private readonly count: number,
  ) {
    this.runs = new Uint8Array(count);
    this.ends = new Uint8Array(count);
  }

  async run(): Promise<void> {
    await this.clock.advanceSettled(1);
    while (this.made < this.count || this.open > 0) {
      for (let burst = this.random.below(64); burst > 0; burst--) {
        if (this.made < this.count && this.open < CALLS_OPEN_MAX) this.call();
      }
      await this.clock.advanceSettled(STEP_MS * this.random.between(1, 3));
      this.check();
    }
    // Handlers of calls that ended early run on; slots of calls that were given up wait for their terminal frames.
    await this.clock.advanceSettled(120_000);
    this.check();
  }

  /** What a connection counts is what there is. */
  check(): void {
    const { dialing, accepting, endings } = this.pair;
    assert.equal(endings, { dialing: null, accepting: null });
    assert.equal(this.wrong, []);
    assert.is(dialing.executing, this.running.dialing);
    assert.is(accepting.executing, this.running.accepting);
  }

  /** Nothing is left of any call, and every slot can be used again: as many calls at once as there are slots, both ways. */
  async checkEmpty(): Promise<void> {
    const { dialing, accepting } = this.pair;
    for (const side of [dialing, accepting]) {
      assert.equal([side.callsOut, side.callsIn, side.executing], [0, 0, 0]);
    }
    const again = [dialing, accepting].flatMap((side) =>
      Array.from({ length: 1_000 }, (_, slot) => this.echo(side, slot)),
    );
    await this.clock.advanceSettled(10);
    const answers = await Promise.all(again);
    assert.ok(
      answers.every((answer, index) => answer.readInt32LE(0) === -1 && answer.readInt32LE(4) === index % 1_000),
    );
    for (const side of [dialing, accepting]) assert.equal([side.callsOut, side.callsIn], [0, 0]);
  }

  close(): void {
    this.pair.dialing.close();
    this.clock.advance(1_000);
  }

  private echo(side: Connection, slot: number): Promise<Buffer> {
    const request = Buffer.alloc(8);
    request.writeInt32LE(-1, 0);
    request.writeInt32LE(slot, 4);
    return side.caller.call(spec, request, 60_000, null) as Promise<Buffer>;
  }

  private call(): void {
    const { random, clock } = this;
    const id = this.made++;
    const side = random.pick([this.pair.dialing, this.pair.accepting]);
    const abort = new AbortController();
    this.aborts.set(id, abort);
    const raced = random.below(4);
    if (raced === 0) clock.setTimer(() => abort.abort(), this.steps());
    if (raced === 1) queueMicrotask(() => abort.abort());
    const deadlineMs = raced === 2 || random.oneIn(8) ? STEP_MS + this.steps() : Number.POSITIVE_INFINITY;
    const request = Buffer.alloc(8);
    request.writeInt32LE(id, 0);
    this.open++;
    side.caller
      .call(spec, request, deadlineMs, { signal: abort.signal, metadata: null, detailed: false, priority: 0 })
      .then(
        (answer) => this.end(id, 'answered', answer as Buffer, null),
        (error: unknown) => this.end(id, (error as RpcError).code as Outcome, null, error),
      );
  }

  private end(id: number, outcome: Outcome, answer: Buffer | null, error: unknown): void {
    this.open--;
    this.aborts.delete(id);
    this.ends[id] = (this.ends[id] ?? 0) + 1;
    if (outcome in this.outcomes) this.outcomes[outcome]++;
    else this.wrong.push(`call ${id} ended with ${String(error)}`);
    const ran = (this.runs[id] ?? 0) > 0;
    if (answer !== null && answer.readInt32LE(0) !== id) this.wrong.push(`call ${id} got another's answer`);
    if ((outcome === 'answered' || outcome === 'ABORTED') && !ran) this.wrong.push(`call ${id} was answered unheard`);
    // The guarantee that a call may be retried.
    const promised = error instanceof RpcError && error.started === 'no';
    if (promised && ran) this.wrong.push(`call ${id} ran and was said not to have: ${error.message}`);
  }

  /** Answers at once, or later, or fails; some give up when they are told to, some go on, some cancel their own call. */
  private handle(request: Buffer, context: CallContext): unknown {
    const { random } = this;
    const id = request.readInt32LE(0);
    const answer = Buffer.from(request);
    if (id < 0) return answer;
    this.runs[id] = (this.runs[id] ?? 0) + 1;
    const kind = random.below(8);
    if (kind === 0) return answer;
    if (kind === 1) throw new RpcError('ABORTED', 'on purpose');
    if (kind === 2) {
      this.aborts.get(id)?.abort();
      return answer;
    }
    const side = context.peer === this.pair.dialing.peer ? 'dialing' : 'accepting';
    this.running[side]++;
    const result = kind === 3 ? Promise.resolve(answer) : this.later(kind, answer, context);
    return result.finally(() => {
      this.running[side]--;
    });
  }

  private async later(kind: number, answer: Buffer, context: CallContext): Promise<Buffer> {
    const { clock, random } = this;
    if (kind === 4) {
      // Ends as soon as it is told to.
      await new Promise<void>((resolve, reject) => {
        clock.setTimer(resolve, this.steps());
        context.signal.addEventListener('abort', () => reject(context.signal.reason as RpcError));
      });
      return answer;
    }
    if (kind === 5) {
      // Its caller cancels in the tick in which it answers.
      await clock.sleep(this.steps());
      this.aborts.get(answer.readInt32LE(0))?.abort();
      return answer;
    }
    await clock.sleep(this.steps() * (random.oneIn(4) ? 10 : 1));
    if (kind === 6 && random.oneIn(2)) throw new RpcError('ABORTED', 'on purpose, later');
    return answer;
  }

  private steps(): number {
    return STEP_MS * this.random.below(STEPS_MAX);
  }
}

test(`F27 ${RACES.toLocaleString('en')} cancels, deadlines and answers race: one outcome each, no slot lost, handlers counted until they end`, () =>
  withSeed(async (random) => {
    const race = new Race(random, RACES);
    await race.run();
    assert.ok(race.ends.every((ends) => ends === 1));
    assert.ok(race.runs.every((runs) => runs <= 1));
    const { outcomes } = race;
    const total = outcomes.answered + outcomes.CANCELLED + outcomes.DEADLINE_EXCEEDED + outcomes.ABORTED;
    assert.is(total, RACES);
    for (const [outcome, count] of Object.entries(outcomes)) assert.ok(count > RACES / 100, `${outcome}: ${count}`);
    await race.checkEmpty();
    race.close();
  }));

test.run();
