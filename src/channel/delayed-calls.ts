/**
 * Calls that wait for their backoff before they are retried. Their deadlines run, and their signals cancel them. A call whose deadline
 * comes before its next attempt fails at once, with its last failure. Used by `Channel`.
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
    /** Makes the next attempt of a call. */
    private readonly make: (call: PendingCall) => void,
  ) {}

  get length(): number {
    return this.calls.length;
  }

  /** `failure`: of the call's last attempt. */
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
      // Without calls the timer would keep the process alive for nothing.
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
    // It keeps the process alive: no socket may be open meanwhile, and callers wait.
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
      call.inContext(this.make);
    }
  }
}
