/**
 * What becomes of a call that failed and may be made again.
 *
 *   never sent, or its server drains --> at once, free of charge, `limits.resendsMax` times
 *   refused before it started,       --> by the policy (attempts, backoff, the server's hint) and out of the budget;
 *   or idempotent                        at once when another endpoint takes calls, else after the backoff
 *
 * Used by `Channel`.
 */
import type { Clock } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { PendingCall, RetryReason } from '../connection/calls/pending-call.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { checkRetryOptions, type RetryOptions, retryWaitMs } from '../resilience/retry-policy.js';

/** The call is made again in `waitMs`; as a `resend`, which is no retry, if it was never sent. */
export interface Remake {
  readonly waitMs: number;
  readonly as: 'resend' | 'retry';
}

export class Retries {
  made = 0;
  private readonly budget: RetryBudget;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(
    private readonly options: RetryOptions | false,
    private readonly resendsMax: number,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {
    if (options !== false) checkRetryOptions(options);
    this.budget = new RetryBudget(options === false ? {} : options.budget);
  }

  /** Null: the call fails. `callsMade`: by the channel so far. `elsewhere`: an endpoint that has not failed the call takes calls. */
  judge(
    call: PendingCall,
    failure: RpcError,
    reason: RetryReason,
    callsMade: number,
    elsewhere: boolean,
  ): Remake | null {
    if (reason === 'unprocessed') return call.resends < this.resendsMax ? { waitMs: 0, as: 'resend' } : null;
    if (this.options === false) return null;
    const waitMs = retryWaitMs(failure, call.retries, this.options, this.random, elsewhere);
    // A call that has not the time, as a server's hint may say of any, takes nothing out of the budget.
    if (waitMs === null || call.deadlineAt <= this.clock.now() + waitMs || !this.withdraw(callsMade)) return null;
    return { waitMs, as: 'retry' };
  }

  /** Takes one retry out of the budget; false: there is none left. */
  withdraw(callsMade: number): boolean {
    if (!this.budget.withdraw(this.clock.now(), callsMade - this.made)) return false;
    this.made++;
    return true;
  }

  /** Retries that may be made now. */
  budgetLeft(callsMade: number): number {
    return this.options === false ? 0 : this.budget.left(this.clock.now(), callsMade - this.made);
  }

  /** So many calls have been made by now: the budget grows with them. */
  note(callsMade: number): void {
    this.budget.left(this.clock.now(), callsMade - this.made);
  }
}
