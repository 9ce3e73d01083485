/** One call of a simulation as both sides saw it, and what must be true of it. */
import { RpcError, type Started } from '../../src/index.js';
import type { CallPlan, Plan } from './plan.js';

/** Grace for everything that has a time. */
const SLACK_MS = 100;

export class CallRecord {
  /** `ok` or the code of the failure; null while it is open. */
  outcome: string | null = null;
  /** How often it settled: once. */
  settled = 0;
  madeAt = 0;
  settledAt = 0;
  started: Started = 'no';
  text = '';
  cancelledAt = Infinity;
  /** How often its handler began, and how often it ended. */
  runs = 0;
  ended = 0;
  runAt = 0;
  abortedAt = Infinity;
  readonly problems: string[] = [];

  constructor(readonly plan: CallPlan) {}

  problem(text: string): void {
    this.problems.push(`call ${this.plan.id} (${this.plan.kind}, ${this.plan.act}): ${text}`);
  }

  succeed(now: number): void {
    this.settle('ok', now);
    this.started = 'yes';
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
  }

  private settle(outcome: string, now: number): void {
    this.settled++;
    this.outcome = outcome;
    this.settledAt = now;
  }

  /** The whole simulation is over. `lateMs`: by how much a blocked event loop may have delayed things. */
  judge(run: Plan, lateMs: number): void {
    const { plan, runs, outcome, started } = this;
    if (this.settled !== 1) this.problem(`settled ${this.settled} times`);
    if (runs > 1) this.problem(`its handler ran ${runs} times`);
    if (this.ended !== runs) this.problem(`its handler began ${runs} times and ended ${this.ended} times`);
    if (runs > 0 && started === 'no') this.problem(`started=no, but its handler ran: ${outcome} ${this.text}`);
    if (runs === 0 && started === 'yes' && plan.kind === 'unary')
      this.problem(`${outcome} with started=yes, but its handler never ran`);
    this.judgeTime(lateMs);
    this.judgeOutcome(run);
    if (run.calm) this.judgeCalm();
  }

  private judgeTime(lateMs: number): void {
    const { plan, settledAt, madeAt, outcome } = this;
    const deadlineAt = madeAt + plan.deadlineMs;
    if (settledAt > deadlineAt + SLACK_MS + lateMs) {
      this.problem(`settled ${settledAt - deadlineAt} ms behind its deadline`);
    }
    if (outcome === 'DEADLINE_EXCEEDED' && settledAt < deadlineAt - 1) {
      this.problem(`DEADLINE_EXCEEDED ${deadlineAt - settledAt} ms before its deadline: ${this.text}`);
    }
    if (
      plan.kind === 'unary' &&
      this.abortedAt > this.runAt + plan.deadlineMs + SLACK_MS + lateMs &&
      plan.act === 'untilAborted'
    )
      if (this.runs > 0) this.problem(`its handler was told ${this.abortedAt - this.runAt} ms after it began`);
  }

  private judgeOutcome(run: Plan): void {
    const { plan, outcome } = this;
    const allowed = new Set(['ok', 'DEADLINE_EXCEEDED']);
    if (plan.cancelAfterMs !== null || !run.calm) allowed.add('CANCELLED');
    if (plan.kind === 'unary' && plan.act === 'refuse') allowed.add('ABORTED');
    if (plan.kind === 'unary' && plan.act === 'throw') allowed.add('INTERNAL');
    if (!run.calm) for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED']) allowed.add(code);
    if (!allowed.has(String(outcome))) this.problem(`${outcome}: ${this.text}`);
    if (plan.kind === 'unary' && outcome === 'ok' && (plan.act === 'refuse' || plan.act === 'throw')) {
      this.problem('answered, but its handler threw');
    }
  }

  /** Nothing went wrong: then the plan says what must have come of it. */
  private judgeCalm(): void {
    const { plan, outcome, runs } = this;
    const given = plan.cancelAfterMs === null && plan.deadlineMs >= 5_000;
    if (given && runs !== 1) this.problem(`its handler ran ${runs} times on a network without faults`);
    if (given && plan.act !== 'untilAborted') {
      const expected = plan.kind === 'oneway' ? 'ok' : { refuse: 'ABORTED', throw: 'INTERNAL' }[plan.act as string];
      if (outcome !== (expected ?? 'ok')) this.problem(`${outcome} on a network without faults: ${this.text}`);
    }
    // A cancelled call's handler hears of it as soon as a frame has come over.
    if (plan.kind === 'unary' && plan.act === 'untilAborted' && runs > 0 && this.cancelledAt < this.settledAt + 1) {
      const afterMs = this.abortedAt - Math.max(this.cancelledAt, this.runAt);
      if (afterMs > 1_000) this.problem(`its handler heard of the cancel ${afterMs} ms later`);
    }
  }
}
