/**
 * F27 for streams: callers that leave, cancel, run out of time or out of items, and handlers that end, fail, stop reading or
 * never do, all racing items, END and CREDIT on both sides of one connection in virtual time. TRUNKLINE_RACES sets how many
 * calls are made (default 4,000).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { raw } from '../../src/avro/service/raw.js';
import type { CallContext } from '../../src/connection/calls/call-context.js';
import type { HostedMethod } from '../../src/connection/calls/call-host.js';
import { type CallExtras, type CallResult, PendingCall } from '../../src/connection/calls/pending-call.js';
import type { Connection } from '../../src/connection/connection.js';
import { IncomingStream } from '../../src/connection/streams/incoming-stream.js';
import { Source } from '../../src/connection/streams/source.js';
import { type ItemStream, RpcError } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type MessageCodec, type MethodSpec, nextMethodOrdinal } from '../../src/wire/message-codec.js';
import { connectPair } from '../support/connection-pair.js';
import { type Random, withSeed } from '../support/seed.js';

const RACES = Number(process.env['TRUNKLINE_RACES'] ?? 4_000);
const CALLS_OPEN_MAX = 200;
const STEP_MS = 0.25;
const ITEMS_MAX = 40;
/** Small beside the items, so that every stream waits for credit. */
const WINDOW_BYTES = 65_536;
const kinds = ['serverStream', 'clientStream', 'duplex'] as const;
type Kind = (typeof kinds)[number];

const codec = raw as MessageCodec;
const specOf = (kind: Kind): MethodSpec => ({
  ordinal: nextMethodOrdinal(),
  name: `test.Race/${kind}`,
  kind,
  request: codec,
  response: codec,
  errors: null,
  declared: null,
  idempotent: false,
  compression: undefined,
});
const specs = { serverStream: specOf('serverStream'), clientStream: specOf('clientStream'), duplex: specOf('duplex') };

/** What the two sides of one call mean to do. */
interface Plan {
  readonly id: number;
  readonly kind: Kind;
  readonly callerItems: number;
  readonly calleeItems: number;
  /** The source of the caller throws behind its items, the handler behind its own. */
  readonly sourceFails: boolean;
  readonly handlerFails: boolean;
  /** How many of the other side's items are taken before leaving; Infinity: all. */
  readonly callerTakes: number;
  readonly calleeTakes: number;
  ran: number;
  /** Items of the callee that were made. */
  made: number;
}

type Outcome = 'answered' | 'left' | 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'ABORTED';

class StreamRace {
  readonly clock = new VirtualClock(1_000_000, 'microtasks');
  readonly outcomes: Record<Outcome, number> = { answered: 0, left: 0, CANCELLED: 0, DEADLINE_EXCEEDED: 0, ABORTED: 0 };
  readonly wrong: string[] = [];
  /** Calls whose caller has not heard of their end; iterables that were begun and not ended. */
  open = 0;
  sources = 0;
  private made = 0;
  private readonly plans: Plan[] = [];
  private readonly running = { dialing: 0, accepting: 0 };
  private readonly pair = connectPair({
    clock: this.clock,
    limits: { streamWindowBytes: WINDOW_BYTES, callsInFlightMax: 256 },
    methods: kinds.map(
      (kind): HostedMethod => ({
        spec: specs[kind],
        invoke: (request, context) => this.handle(kind, request, context),
      }),
    ),
  });

  constructor(
    private readonly random: Random,
    private readonly count: number,
  ) {}

  async run(): Promise<void> {
    await this.clock.advanceSettled(1);
    while (this.made < this.count || this.open > 0) {
      for (let burst = this.random.below(32); burst > 0; burst--) {
        if (this.made < this.count && this.open < CALLS_OPEN_MAX) this.call();
      }
      await this.clock.advanceSettled(STEP_MS * this.random.between(1, 4));
      this.check();
    }
    await this.clock.advanceSettled(120_000);
    this.check();
  }

  private check(): void {
    const { dialing, accepting, endings } = this.pair;
    assert.equal(endings, { dialing: null, accepting: null });
    assert.equal(this.wrong, []);
    assert.is(dialing.executing, this.running.dialing, 'handlers that the dialling side counts');
    assert.is(accepting.executing, this.running.accepting, 'handlers that the accepting side counts');
  }

  /** Nothing is left, and every slot of both sides carries a stream again. */
  async checkEmpty(): Promise<void> {
    const { dialing, accepting } = this.pair;
    for (const side of [dialing, accepting]) {
      assert.equal([side.callsOut, side.callsIn, side.executing, side.ledger.bytes], [0, 0, 0, 0]);
    }
    assert.is(this.sources, 0);
    const before = this.outcomes.answered;
    for (const side of [dialing, accepting]) {
      for (let slot = 0; slot < 256; slot++) {
        this.begin(side, { ...this.plan(kinds[slot % 3] ?? 'duplex'), ...harmless }, Number.POSITIVE_INFINITY, null);
      }
    }
    await this.clock.advanceSettled(1_000);
    this.check();
    assert.is(this.outcomes.answered - before, 512);
    assert.equal([dialing.callsOut, accepting.callsOut, this.sources], [0, 0, 0]);
  }

  close(): void {
    this.pair.dialing.close();
    this.clock.advance(1_000);
  }

  private plan(kind: Kind): Plan {
    const { random } = this;
    const plan: Plan = {
      id: this.plans.length,
      kind,
      callerItems: random.below(ITEMS_MAX),
      calleeItems: random.below(ITEMS_MAX),
      sourceFails: random.oneIn(12),
      handlerFails: random.oneIn(8),
      callerTakes: random.oneIn(4) ? random.below(10) : Number.POSITIVE_INFINITY,
      calleeTakes: random.oneIn(4) ? random.below(10) : Number.POSITIVE_INFINITY,
      ran: 0,
      made: 0,
    };
    this.plans.push(plan);
    return plan;
  }

  private call(): void {
    const { random, clock } = this;
    this.made++;
    const side = random.pick([this.pair.dialing, this.pair.accepting]);
    const abort = new AbortController();
    const raced = random.below(6);
    if (raced === 0) clock.setTimer(() => abort.abort(), this.steps());
    if (raced === 1) queueMicrotask(() => abort.abort());
    const deadlineMs = raced === 2 ? STEP_MS + this.steps() : Number.POSITIVE_INFINITY;
    this.begin(side, this.plan(random.pick(kinds)), deadlineMs, abort.signal);
  }

  private begin(side: Connection, plan: Plan, deadlineMs: number, signal: AbortSignal | null): void {
    this.plans[plan.id] = plan;
    const { kind } = plan;
    const incoming = kind === 'clientStream' ? null : new IncomingStream();
    const extras: CallExtras = {
      metadata: kind === 'serverStream' ? null : { id: String(plan.id) },
      signal,
      detailed: true,
      priority: 0,
      ...(incoming === null ? {} : { incoming }),
      ...(kind === 'serverStream' ? {} : { source: new Source(this.source(plan), () => {}) }),
    };
    let ends = 0;
    const resolve = (result: unknown): void => {
      if (++ends > 1) this.wrong.push(`call ${plan.id} ended twice`);
      if (incoming === null) this.end(plan, 'answered', (result as CallResult<Buffer>).value.readUInt32LE(0), null);
      else incoming.end((result as CallResult).metadata);
    };
    const reject = (error: unknown): void => {
      if (++ends > 1) this.wrong.push(`call ${plan.id} ended twice`);
      if (incoming === null) this.end(plan, (error as RpcError).code as Outcome, 0, error as RpcError);
      else incoming.fail(error as RpcError);
    };
    this.open++;
    const request = Buffer.alloc(4);
    request.writeUInt32LE(plan.id);
    side.caller.resume(new PendingCall(specs[kind], request, this.clock.now() + deadlineMs, extras, resolve, reject));
    if (incoming !== null) void this.read(plan, incoming);
  }

  /** Takes items as planned; they are numbered, and none may be missing, twice or of another call. */
  private async read(plan: Plan, incoming: ItemStream<unknown>): Promise<void> {
    let taken = 0;
    try {
      if (plan.callerTakes > 0) {
        for await (const item of incoming) {
          this.checkItem(plan, item as Buffer, taken++);
          if (this.random.oneIn(6)) await this.clock.sleep(this.steps());
          if (taken >= plan.callerTakes) break;
        }
      } else {
        await incoming.return();
      }
      this.end(plan, taken >= plan.callerTakes ? 'left' : 'answered', taken, null);
    } catch (error) {
      this.end(plan, (error as RpcError).code as Outcome, taken, error as RpcError);
    }
  }

  private checkItem(plan: Plan, item: Buffer, expected: number): void {
    const [id, index] = [item.readUInt32LE(0), item.readUInt32LE(4)];
    if (id !== plan.id || index !== expected) this.wrong.push(`call ${plan.id} item ${expected} is ${index} of ${id}`);
  }

  private end(plan: Plan, outcome: Outcome, count: number, error: RpcError | null): void {
    this.open--;
    if (outcome in this.outcomes) this.outcomes[outcome]++;
    else this.wrong.push(`call ${plan.id} ended with ${String(error)}`);
    if (error?.started === 'no' && plan.ran > 0) this.wrong.push(`call ${plan.id} ran and was said not to have`);
    if (plan.ran > 1) this.wrong.push(`call ${plan.id} ran ${plan.ran} times`);
    if (plan.kind === 'clientStream') {
      const all = Math.min(plan.callerItems, plan.calleeTakes);
      if (outcome === 'answered' && count !== all)
        this.wrong.push(`call ${plan.id} was answered with ${count}, not ${all}`);
      return;
    }
    // Ended well: all items came. Failed by its handler: all that were made before came first.
    if (outcome === 'answered' && count !== plan.calleeItems) this.wrong.push(`call ${plan.id} ended after ${count}`);
    if (outcome === 'ABORTED' && count !== plan.made)
      this.wrong.push(`call ${plan.id} failed after ${count} of ${plan.made}`);
  }

  /** The items of one side; some are longer than others, and a few longer than the window. */
  private async *items(plan: Plan, count: number, onItem: () => void): AsyncGenerator<Buffer> {
    const { random } = this;
    this.sources++;
    try {
      for (let index = 0; index < count; index++) {
        if (random.oneIn(8)) await this.clock.sleep(this.steps());
        const item = Buffer.alloc(random.oneIn(200) ? 100_000 : 8 + random.below(5_000));
        item.writeUInt32LE(plan.id, 0);
        item.writeUInt32LE(index, 4);
        onItem();
        yield item;
      }
    } finally {
      this.sources--;
    }
  }

  private async *source(plan: Plan): AsyncGenerator<Buffer> {
    yield* this.items(plan, plan.callerItems, () => {});
    if (plan.sourceFails) throw new Error('the source fails on purpose');
  }

  private handle(kind: Kind, request: unknown, context: CallContext): unknown {
    const id = kind === 'serverStream' ? (request as Buffer).readUInt32LE(0) : Number(context.metadata['id']);
    const plan = this.plans[id] as Plan;
    const side = context.peer === this.pair.dialing.peer ? 'dialing' : 'accepting';
    plan.ran++;
    this.running[side]++;
    const done = (): void => {
      this.running[side]--;
    };
    if (kind === 'clientStream') return this.takeAll(plan, request as ItemStream<Buffer>).finally(done);
    return this.answer(plan, kind === 'duplex' ? (request as ItemStream<Buffer>) : null, done);
  }

  private async takeAll(plan: Plan, items: ItemStream<Buffer>): Promise<Buffer> {
    let taken = 0;
    if (plan.calleeTakes > 0) {
      for await (const item of items) {
        this.checkItem(plan, item as Buffer, taken++);
        if (this.random.oneIn(6)) await this.clock.sleep(this.steps());
        if (taken >= plan.calleeTakes) break;
      }
    }
    if (plan.handlerFails) throw new RpcError('ABORTED', 'on purpose');
    const answer = Buffer.alloc(4);
    answer.writeUInt32LE(taken);
    return answer;
  }

  private async *answer(plan: Plan, items: ItemStream<Buffer> | null, done: () => void): AsyncGenerator<Buffer> {
    try {
      // Reads beside what it writes, and may leave.
      const reading = items === null ? null : this.takeAll({ ...plan, handlerFails: false }, items).catch(() => {});
      yield* this.items(plan, plan.calleeItems, () => plan.made++);
      if (plan.handlerFails) throw new RpcError('ABORTED', 'on purpose');
      await reading;
    } finally {
      done();
    }
  }

  private steps(): number {
    return STEP_MS * this.random.below(8);
  }
}

const harmless = {
  sourceFails: false,
  handlerFails: false,
  callerTakes: Number.POSITIVE_INFINITY,
  calleeTakes: Number.POSITIVE_INFINITY,
};

test(`F27 ${RACES.toLocaleString('en')} streams race cancels, deadlines, failures and early ends: one outcome each, items whole and in order`, () =>
  withSeed(async (random) => {
    const race = new StreamRace(random, RACES);
    await race.run();
    const { outcomes } = race;
    assert.is(
      Object.values(outcomes).reduce((sum, count) => sum + count, 0),
      RACES,
    );
    for (const [outcome, count] of Object.entries(outcomes)) assert.ok(count > RACES / 200, `${outcome}: ${count}`);
    await race.checkEmpty();
    race.close();
  }));

test.run();
