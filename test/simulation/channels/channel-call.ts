/** One call of the channel simulation as its caller, the connections and the servers saw it, and its invariants. */
import { type Attempt, type RetryOptions, RpcError, type Started } from '../../../src/index.js';
import type { CallPlan, ClientPlan, Plan } from './plan.js';
import type { Begin } from './server-host.js';
import type { Answer } from './service.js';

/** Grace for everything that has a time. */
const SLACK_MS = 100;
/** `limits.resendsMax`, which the plans leave as it is. */
const RESENDS_MAX = 5;
/** With this much time a call succeeds on a network without faults: no handler takes longer than half of it. */
const ENOUGH_MS = 5_000;

/** The channel gave the call to a connection. */
export interface Send {
  readonly at: number;
  readonly endpoint: string;
  /** Attempts that had failed by then. */
  readonly earlier: readonly Attempt[];
}

export class ChannelCall {
  readonly sends: Send[] = [];
  readonly begins: Begin[] = [];
  readonly problems: string[] = [];
  settled = 0;
  madeAt = Infinity;
  settledAt = 0;
  outcome = '';
  started: Started = 'no';
  text = '';
  /** Null: they were not told. */
  attempts: readonly Attempt[] | null = null;
  /** Who answered. */
  answer: Answer | null = null;
  itemsTaken = 0;

  constructor(
    readonly plan: CallPlan,
    private readonly client: ClientPlan,
    private readonly addressOf: (host: string) => string,
  ) {}

  /** Whether the channel may make it again when it may have started. */
  get idempotent(): boolean {
    return this.plan.idempotent ?? (this.plan.kind === 'get' || this.plan.kind === 'list');
  }

  /** Whether a second attempt may be made while the first is out. */
  get hedged(): boolean {
    return this.client.hedging !== false && this.idempotent && (this.plan.kind === 'get' || this.plan.kind === 'put');
  }

  get patient(): boolean {
    return this.plan.waitForReady ?? this.client.waitForReady;
  }

  problem(text: string): void {
    const { id, kind, act } = this.plan;
    this.problems.push(`call ${id} (${kind}, ${act}${this.idempotent ? ', idempotent' : ''}): ${text}`);
  }

  succeed(answer: Answer | null, attempts: readonly Attempt[] | null, now: number): void {
    this.settle('ok', now);
    this.started = 'yes';
    this.answer = answer;
    this.attempts = attempts;
  }

  fail(error: unknown, now: number): void {
    if (!(error instanceof RpcError)) {
      this.problem(`failed with ${String(error)}, which is no RpcError`);
      this.settle('UNKNOWN', now);
      return;
    }
    this.settle(error.code, now);
    this.started = error.started;
    this.text = error.message;
    this.attempts = error.attempts;
  }

  private settle(outcome: string, now: number): void {
    this.settled++;
    this.outcome = outcome;
    this.settledAt = now;
  }

  /** The whole simulation is over. */
  judge(run: Plan): void {
    const { plan, outcome, settledAt, madeAt } = this;
    if (this.settled !== 1) {
      this.problem(`settled ${this.settled} times`);
      return;
    }
    const lateMs = settledAt - (madeAt + plan.deadlineMs);
    if (lateMs > SLACK_MS) this.problem(`settled ${lateMs} ms behind its deadline`);
    if (outcome === 'DEADLINE_EXCEEDED' && lateMs < -1) {
      this.problem(`DEADLINE_EXCEEDED ${-lateMs} ms before its deadline: ${this.text}`);
    }
    this.judgeBegins();
    if (this.attempts !== null) this.judgeAttempts(this.attempts);
    this.judgeAnswer();
    this.judgeOutcome(run);
  }

  private get attemptsAtOnce(): number {
    return this.hedged ? 2 : 1;
  }

  private judgeBegins(): void {
    const { begins, started, outcome } = this;
    if (started === 'no' && begins.length > 0) {
      this.problem(`${outcome} with started=no, but its handler began ${begins.length} times: ${this.text}`);
    }
    if (started === 'yes' && begins.length === 0)
      this.problem(`${outcome} with started=yes, but its handler never began`);
    const most = this.idempotent ? attemptsMaxOf(this.client.retry) * this.attemptsAtOnce : 1;
    if (begins.length > most) this.problem(`its handler began ${begins.length} times, and may ${most} times`);
  }

  private judgeAttempts(attempts: readonly Attempt[]): void {
    const { started, outcome, settledAt, madeAt } = this;
    const told = attempts.map(({ endpoint, code, started: may }) => `${endpoint} ${code} ${may}`).join(', ');
    const retriesMax = attemptsMaxOf(this.client.retry) - 1;
    if (attempts.length > this.attemptsAtOnce * (1 + retriesMax + RESENDS_MAX))
      this.problem(`${attempts.length} attempts: ${told}`);
    if (started === 'no' && attempts.some((attempt) => attempt.started !== 'no')) {
      this.problem(`${outcome} with started=no, but its attempts say: ${told}`);
    }
    const last = attempts.at(-1);
    const wellTold = outcome !== 'ok' || (last?.code === 'OK' && last.started === 'yes');
    if (!wellTold || attempts.slice(0, -1).some(({ code }) => code === 'OK'))
      this.problem(`${outcome}, but its attempts say: ${told}`);
    this.judgeOrder(attempts, told);
    this.judgePlaces(attempts, told);
    if (!this.idempotent && attempts.slice(0, -1).some((attempt) => attempt.started !== 'no')) {
      this.problem(`was made again, though it may have started: ${told}`);
    }
    const durations = attempts.reduce((sum, { durationMs }) => sum + durationMs, 0);
    if (
      durations > this.attemptsAtOnce * (settledAt - madeAt) + 1 ||
      attempts.some(({ durationMs }) => !(durationMs >= 0))
    ) {
      this.problem(
        `took ${settledAt - madeAt} ms, but its attempts ${attempts.map(({ durationMs }) => durationMs).join(', ')}`,
      );
    }
  }

  /** Where handlers began, an attempt must have been, and the other way round where an attempt says so. */
  private judgePlaces(attempts: readonly Attempt[], told: string): void {
    const { begins, plan, settledAt, madeAt } = this;
    // Of two attempts, one that is late already is not asked where it was when the other one is answered.
    if (this.hedged && settledAt > madeAt + plan.deadlineMs - 1) return;
    for (const endpoint of new Set([
      ...begins.map(({ host }) => this.addressOf(host)),
      ...attempts.map((each) => each.endpoint),
    ])) {
      const there = attempts.filter((attempt) => attempt.endpoint === endpoint);
      const began = begins.filter(({ host }) => this.addressOf(host) === endpoint).length;
      const may = there.filter((attempt) => attempt.started !== 'no').length;
      const must = there.filter((attempt) => attempt.started === 'yes').length;
      if (began > may || began < must)
        this.problem(`its handler began ${began} times at ${endpoint}, but its attempts say: ${told}`);
    }
  }

  /** What was sent, in that order; what waited on a connection and never got a slot was not tried. */
  private judgeOrder(attempts: readonly Attempt[], told: string): void {
    const sent = this.sends.map(({ endpoint }) => endpoint);
    let next = 0;
    for (const endpoint of sent) if (attempts[next]?.endpoint === endpoint) next++;
    // Of two attempts at once, the one that was answered is told last.
    if (this.hedged) next = attempts.filter(({ endpoint }) => sent.includes(endpoint)).length;
    if (next < attempts.length) this.problem(`its attempts are ${told}, but it was sent to ${sent.join(', ')}`);
  }

  private judgeAnswer(): void {
    const { answer, attempts, plan, begins } = this;
    if (this.outcome === 'ok' && plan.kind === 'list' && this.itemsTaken !== plan.items) {
      this.problem(`ended behind ${this.itemsTaken} of ${plan.items} items`);
    }
    if (answer === null) return;
    if (answer.id !== plan.id) this.problem(`got the answer of call ${answer.id}`);
    const { host, life } = answer;
    if (!begins.some((begin) => begin.host === host && begin.life === life)) {
      this.problem(`was answered by process ${life} of ${host}, where it never began`);
    }
    const last = attempts?.at(-1)?.endpoint;
    if (last !== undefined && last !== this.addressOf(host))
      this.problem(`was answered by ${host}, but its attempts say ${last}`);
    if (plan.kind === 'fill' && answer.index !== Math.max(1, plan.items)) {
      this.problem(`${answer.index} of ${plan.items} items arrived`);
    }
  }

  private judgeOutcome({ weather }: Plan): void {
    const { plan, outcome } = this;
    const stormy = weather === 'stormy';
    const allowed = new Set(['ok', 'DEADLINE_EXCEEDED']);
    if (plan.cancelAfterMs !== null || stormy) allowed.add('CANCELLED');
    if (plan.act === 'refuse') allowed.add('ABORTED');
    if (stormy) for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'INTERNAL']) allowed.add(code);
    if (!allowed.has(outcome)) this.problem(`${outcome} in ${weather} weather: ${this.text}`);
    if (outcome === 'ok' && (plan.act === 'refuse' || plan.act === 'untilAborted'))
      this.problem('ended well, but its handler threw');
    if (stormy || plan.cancelAfterMs !== null || plan.deadlineMs < ENOUGH_MS || plan.act === 'untilAborted') return;
    const expected = plan.act === 'refuse' ? 'ABORTED' : 'ok';
    if (outcome !== expected) this.problem(`${outcome} in place of ${expected} in ${weather} weather: ${this.text}`);
    const begins = this.begins.length;
    if (begins < 1 || begins > this.attemptsAtOnce)
      this.problem(`its handler began ${begins} times in ${weather} weather`);
  }
}

function attemptsMaxOf(retry: RetryOptions | false): number {
  return retry === false ? 1 : (retry.attemptsMax ?? 3);
}
