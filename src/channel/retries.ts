/**
 * Decides whether a failed call is sent again, and when.
 *
 *   `unprocessed` --> resend: at once, without using the retry budget, at most `limits.resendsMax` times
 *   `refused`     --> retry: by the policy (attempts, backoff, the server's hint) and from the retry budget;
 *   or `failed`       at once when another endpoint takes calls, else after the backoff
 *
 * Used by `Channel`.
 */
import type { Clock } from '../base/clock.js';
import type { RpcError } from '../base/errors.js';
import type { PendingCall, RetryReason } from '../connection/calls/pending-call.js';
import { RetryBudget } from '../resilience/retry-budget.js';
import { type RetryOptions, readRetryOptions, retryWaitMs } from '../resilience/retry-policy.js';

/** How a failed call is sent again: `waitMs` milliseconds from now. A `resend` does not count as a retry. */
export interface NextAttempt {
  readonly waitMs: number;
  readonly as: 'resend' | 'retry';
}

export class Retries {
  /** Retries and hedges so far. */
  made = 0;
  private readonly options: RetryOptions | false;
  private readonly budget: RetryBudget;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(
    options: RetryOptions | false,
    private readonly resendsMax: number,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {
    this.options = options === false ? false : readRetryOptions(options);
    this.budget = new RetryBudget(this.options === false ? {} : this.options.budget);
  }

  /**
   * Null: the call fails. `callsMade`: calls of the channel so far. `elsewhere`: an endpoint at which the call has not failed takes calls.
   */
  decide(
    call: PendingCall,
    failure: RpcError,
    reason: RetryReason,
    callsMade: number,
    elsewhere: boolean,
  ): NextAttempt | null {
    if (reason === 'unprocessed') return call.resends < this.resendsMax ? { waitMs: 0, as: 'resend' } : null;
    if (this.options === false) return null;
    const waitMs = retryWaitMs(failure, call.retries, this.options, this.random, elsewhere);
    // A call whose deadline comes first, perhaps because of a long hint of the server, takes nothing from the budget.
    if (waitMs === null || call.deadlineAt <= this.clock.now() + waitMs || !this.withdraw(callsMade)) return null;
    return { waitMs, as: 'retry' };
  }

  /** Takes one retry from the budget; false: there is none left. */
  withdraw(callsMade: number): boolean {
    if (!this.budget.withdraw(this.clock.now(), callsMade - this.made)) return false;
    this.made++;
    return true;
  }

  /** Retries that the budget allows now. */
  budgetLeft(callsMade: number): number {
    return this.options === false ? 0 : this.budget.left(this.clock.now(), callsMade - this.made);
  }

  /** The budget grows with the calls made so far. */
  note(callsMade: number): void {
    this.budget.left(this.clock.now(), callsMade - this.made);
  }
}
