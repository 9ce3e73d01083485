/**
 * Calls that wait before they are made again. Their deadlines run and their signals are heard; a call whose time would be over
 * before its turn comes fails at once with what it failed with. Used by `Channel`.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { PendingCall } from '../connection/calls/pending-call.js';

interface DelayedCall {
  readonly call: PendingCall;
  readonly at: number;
}

export class DelayedCalls {
  private calls: DelayedCall[] = [];
  private timer: Timer | null = null;
  private timerAt = Infinity;

  constructor(
    private readonly clock: Clock,
    /** The call's turn has come. */
    private readonly make: (call: PendingCall) => void,
  ) {}

  get length(): number {
    return this.calls.length;
  }

  /** `failure`: what the call has failed with. */
  add(call: PendingCall, waitMs: number, failure: RpcError): void {
    const at = this.clock.now() + waitMs;
    if (call.deadlineAt <= at) {
      call.fail(failure);
      return;
    }
    const delayed = { call, at };
    this.calls.push(delayed);
    this.watch(at);
    call.watchAbort((error) => {
      this.calls = this.calls.filter((each) => each !== delayed);
      // It would keep the process for nobody.
      if (this.calls.length === 0) this.stopTimer();
      call.fail(error);
    });
  }

  /** Fails them all. */
  failAll(describe: (call: PendingCall) => RpcError): void {
    this.stopTimer();
    const { calls } = this;
    this.calls = [];
    for (const { call } of calls) call.fail(describe(call));
  }

  private stopTimer(): void {
    this.timer?.cancel();
    this.timer = null;
    this.timerAt = Infinity;
  }

  private watch(at: number): void {
    if (at >= this.timerAt) return;
    this.timer?.cancel();
    this.timerAt = at;
    // No socket may be open meanwhile, and somebody waits.
    this.timer = this.clock.setTimer(() => this.onTime(), Math.max(0, at - this.clock.now()), true);
  }

  private onTime(): void {
    this.timer = null;
    this.timerAt = Infinity;
    const now = this.clock.now();
    const due = this.calls.filter(({ at }) => at <= now);
    this.calls = this.calls.filter(({ at }) => at > now);
    for (const { at } of this.calls) this.watch(at);
    for (const { call } of due) {
      call.stopWaiting();
      this.make(call);
    }
  }
}
