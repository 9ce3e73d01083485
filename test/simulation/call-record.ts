/** One call of a simulation as both sides saw it, and its invariants. */
import { defaultLimits, RpcError, type Started } from '../../src/index.js';
import { BlobFlow } from './blob-flow.js';
import { ItemFlow } from './item-flow.js';
import type { CallPlan, Plan } from './plan.js';
import { Salt } from './service.js';

/** Grace for everything that has a time. */
const SLACK_MS = 100;
/** A cancel on a calm network has reached its handler by then, also behind what the socket already holds. */
const CANCEL_MS_MAX = 1_000;
/** The most pieces in which the bytes of a blob arrive. */
const PIECES_MAX = 4_000;
/** The cost of an item besides its body: the header and three numbers. */
const FRAME_BYTES = 15;

export class CallRecord {
  /** Items that the caller sends, and those that it gets. */
  readonly toCallee: ItemFlow;
  readonly toCaller: ItemFlow;
  /** The bytes of its blobs. */
  readonly blobToCallee: BlobFlow;
  readonly blobToCaller: BlobFlow;
  /** How often its caller was asked back, and whether the handler was told that it certainly was not. */
  askedBack = 0;
  notAskedBack = false;
  /** `ok`, `left` by a caller that took no more items, or the code of the failure; null while it is open. */
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

  constructor(readonly plan: CallPlan) {
    const { id, items, itemBytes } = plan;
    const problem = (text: string): void => this.problem(text);
    this.toCallee = new ItemFlow(id, Salt.toCallee, items, itemBytes, problem);
    this.toCaller = new ItemFlow(id, Salt.toCaller, items, itemBytes, problem);
    this.blobToCallee = new BlobFlow(id, Salt.toCallee, items * itemBytes, itemBytes, problem);
    this.blobToCaller = new BlobFlow(id, Salt.toCaller, items * itemBytes, itemBytes, problem);
  }

  private get sendsItems(): boolean {
    return ['clientStream', 'duplex', 'blob'].includes(this.plan.kind);
  }

  private get takesItems(): boolean {
    return ['serverStream', 'duplex', 'blob'].includes(this.plan.kind);
  }

  problem(text: string): void {
    this.problems.push(`call ${this.plan.id} (${this.plan.kind}, ${this.plan.act}): ${text}`);
  }

  succeed(outcome: string, now: number): void {
    this.settle(outcome, now);
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
    if (runs === 0 && started === 'yes' && plan.kind !== 'oneway')
      this.problem(`${outcome} with started=yes, but its handler never ran`);
    if (this.askedBack > Number(!this.notAskedBack)) {
      this.problem(
        `its caller was asked back ${this.askedBack} times${this.notAskedBack ? ' in spite of started=no' : ''}`,
      );
    }
    this.judgeTime(lateMs);
    if (!this.wasDisplaced(run)) this.judgeOutcome(run);
    for (const flow of [this.toCallee, this.toCaller]) this.judgeFlow(run, flow);
    for (const flow of [this.blobToCallee, this.blobToCaller]) this.judgeBlobFlow(run, flow);
    if (run.weather !== 'stormy' && !this.wasDisplaced(run)) this.judgeCalm();
  }

  /** A draining server refused it, and it cannot be sent elsewhere: its source may not give its items again. */
  private wasDisplaced({ weather }: Plan): boolean {
    const refused = this.outcome === 'UNAVAILABLE' && this.started === 'no';
    return weather === 'rolling' && refused && this.sendsItems;
  }

  private judgeTime(lateMs: number): void {
    const { plan, settledAt, madeAt, outcome } = this;
    const { kind, act, deadlineMs, slowMs, items } = plan;
    const deadlineAt = madeAt + deadlineMs;
    // Who takes items slowly learns of the end as late.
    const things = kind === 'blob' ? PIECES_MAX : items + 1;
    const slackMs = SLACK_MS + lateMs + (this.takesItems ? slowMs * things : 0);
    if (settledAt > deadlineAt + slackMs) this.problem(`settled ${settledAt - deadlineAt} ms behind its deadline`);
    if (outcome === 'DEADLINE_EXCEEDED' && settledAt < deadlineAt - 1) {
      this.problem(`DEADLINE_EXCEEDED ${deadlineAt - settledAt} ms before its deadline: ${this.text}`);
    }
    if (kind !== 'unary' || act !== 'untilAborted' || this.runs === 0) return;
    const toldMs = this.abortedAt - this.runAt;
    if (toldMs > deadlineMs + slackMs) this.problem(`its handler was told ${toldMs} ms after it began`);
  }

  private judgeOutcome(run: Plan): void {
    const { plan, outcome } = this;
    const allowed = new Set(['ok', 'DEADLINE_EXCEEDED']);
    const stormy = run.weather === 'stormy';
    if (plan.cancelAfterMs !== null || stormy) allowed.add('CANCELLED');
    if (this.takesItems && plan.leaveAfter > 0) allowed.add('left');
    if (plan.kind !== 'oneway' && plan.act === 'refuse') allowed.add('ABORTED');
    if (plan.kind !== 'oneway' && plan.act === 'throw') allowed.add('INTERNAL');
    if (stormy) for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED']) allowed.add(code);
    if (!allowed.has(String(outcome))) this.problem(`${outcome}: ${this.text}`);
    if (plan.kind !== 'oneway' && outcome === 'ok' && ['refuse', 'throw', 'untilAborted'].includes(plan.act)) {
      this.problem('ended well, but its handler threw');
    }
  }

  /** What a source gave and nobody took is held by the engine or on its way, and that is never more than the window. */
  private judgeFlow(run: Plan, flow: ItemFlow): void {
    if (flow.running !== 0) this.problem(`${flow.running} sources of its items have begun and not ended`);
    const { streamWindowBytesMax } = { ...defaultLimits, ...run.limits };
    const heldBytes = (flow.heldMost - 2) * (flow.itemBytes + FRAME_BYTES);
    if (heldBytes > streamWindowBytesMax + 2 * flow.itemBytes) {
      this.problem(`${heldBytes} bytes of items were given and not taken, with a window of ${streamWindowBytesMax}`);
    }
  }

  private judgeBlobFlow(run: Plan, flow: BlobFlow): void {
    if (flow.running !== 0) this.problem(`${flow.running} sources of its bytes have begun and not ended`);
    const { streamWindowBytesMax } = { ...defaultLimits, ...run.limits };
    const heldBytes = flow.heldMost - 2 * this.plan.itemBytes;
    if (heldBytes > streamWindowBytesMax) {
      this.problem(`${heldBytes} bytes were given and not taken, with a window of ${streamWindowBytesMax}`);
    }
  }

  /** Nothing went wrong: then the plan says what must have come of it. */
  private judgeCalm(): void {
    const { plan, outcome, runs, toCallee } = this;
    const given = plan.cancelAfterMs === null && plan.deadlineMs >= 5_000;
    if (given && runs !== 1) this.problem(`its handler ran ${runs} times on a network without faults`);
    const expected = this.expectedOutcome();
    if (given && expected !== null && outcome !== expected) {
      this.problem(`${outcome} in place of ${expected} on a network without faults: ${this.text}`);
    }
    // A blob's pieces may be many more than its source gave.
    const leaveMost = plan.kind === 'blob' ? Number.POSITIVE_INFINITY : plan.items;
    const handlerLeaves = plan.kind !== 'duplex' && plan.leaveAfter > 0 && plan.leaveAfter <= leaveMost;
    if (outcome === 'ok' && this.sendsItems && !handlerLeaves) {
      const { taken, bytes } = this.blobToCallee;
      if (plan.kind !== 'blob' && toCallee.taken !== toCallee.count) {
        this.problem(`its handler took ${toCallee.taken} of ${toCallee.count} items`);
      }
      if (plan.kind === 'blob' && taken !== bytes) this.problem(`its handler took ${taken} of ${bytes} bytes`);
    }
    // A cancelled call's handler hears of it as soon as a frame has come over.
    if (plan.kind === 'unary' && plan.act === 'untilAborted' && runs > 0 && this.cancelledAt <= this.settledAt) {
      const afterMs = this.abortedAt - Math.max(this.cancelledAt, this.runAt);
      if (afterMs > CANCEL_MS_MAX) this.problem(`its handler heard of the cancel ${afterMs} ms later`);
    }
  }

  /** What becomes of the call without faults, with time enough; null: its handler waits for the deadline. */
  private expectedOutcome(): string | null {
    const { kind, act, leaveAfter, items, batches } = this.plan;
    if (kind === 'oneway') return 'ok';
    if (this.takesItems && kind !== 'blob' && !batches && leaveAfter > 0 && leaveAfter <= items) return 'left';
    if (act === 'untilAborted') return null;
    if (act === 'refuse') return 'ABORTED';
    return act === 'throw' ? 'INTERNAL' : 'ok';
  }
}
