/**
 * Hedging: a call that has no answer after the time in which most calls have one is sent a second time, to another endpoint if there is
 * one. The first answer counts, and the other attempt is cancelled. Only for idempotent unary methods, and limited by the retry budget,
 * so that a service that is slow as a whole does not get twice the load.
 *
 *   call --> first attempt -----------------> the first answer, or the failure of the last attempt that failed
 *               `-- after the delay --> second attempt --^
 *
 * Used by `Channel`.
 */
import { rejectCall } from '../base/caller-stack.js';
import { CancelController, EitherSignal } from '../base/cancel-signal.js';
import type { Clock, Timer } from '../base/clock.js';
import type { Attempt } from '../base/codes.js';
import { RpcError, tellAttempts, toRpcError } from '../base/errors.js';
import { type CallExtras, type CallResult, noExtras, PendingCall } from '../connection/calls/pending-call.js';
import { type HedgeOptions, HedgePolicy } from '../resilience/hedge-policy.js';
import type { MethodSpec } from '../wire/message-codec.js';

/** What hedging asks of the channel. */
export interface Hedger {
  /** Sends the call, and avoids these endpoints if there are others. Returns the endpoint's address, or '' when the call waits for one. */
  dispatch(call: PendingCall, avoid: readonly Attempt[]): string;
  /** Takes one retry from the budget; false: there is none left. */
  withdraw(): boolean;
}

export class Hedging {
  /** How long the methods' calls take, by ordinal. */
  private readonly policies: HedgePolicy[] = [];

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(
    private readonly options: HedgeOptions,
    private readonly clock: Clock,
    private readonly hedger: Hedger,
  ) {
    this.policies[0] = new HedgePolicy(options);
  }

  /** Whether calls of this method are hedged. */
  covers({ kind, idempotent }: MethodSpec, extras: CallExtras | null): boolean {
    return kind === 'unary' && (extras?.idempotent ?? idempotent);
  }

  /** As `Channel.call`. */
  call(spec: MethodSpec, request: unknown, deadlineAt: number, extras: CallExtras | null): Promise<unknown> {
    const policy = (this.policies[spec.ordinal] ??= new HedgePolicy(this.options));
    return new Promise((resolve) => {
      const call = new PendingCall(spec, request, deadlineAt, extras ?? noExtras, resolve, null);
      new HedgedCall(call, policy, this.clock, this.hedger).begin();
    });
  }
}

interface RunningAttempt {
  /** Empty while it waits for one. */
  endpoint: string;
  readonly since: number;
  readonly source: CancelController;
}

class HedgedCall {
  private readonly startedAt: number;
  private readonly running = new Set<RunningAttempt>();
  /** Attempts that failed or were overtaken. */
  private readonly failed: Attempt[] = [];
  private ended = false;
  private timer: Timer | null = null;

  constructor(
    private readonly call: PendingCall,
    private readonly policy: HedgePolicy,
    private readonly clock: Clock,
    private readonly hedger: Hedger,
  ) {
    this.startedAt = clock.now();
  }

  begin(): void {
    this.attempt();
    const delayMs = this.policy.delayMs();
    if (delayMs === null || this.running.size === 0) return;
    this.timer = this.clock.setTimer(() => {
      this.timer = null;
      // An answer that has already arrived counts as in time, even if this event loop was too busy to read it.
      this.clock.afterReads(() => this.hedge());
    }, delayMs);
  }

  private hedge(): void {
    const [first] = this.running;
    // An attempt that still waits for an endpoint is not slow there.
    if (first !== undefined && first.endpoint !== '' && this.hedger.withdraw()) this.attempt();
  }

  private attempt(): void {
    const { spec, request, deadlineAt } = this.call;
    const extras = this.call.extras ?? noExtras;
    const source = new CancelController();
    const signal = extras.signal === null ? source : new EitherSignal(extras.signal, source);
    const since = this.clock.now();
    const avoid = Array.from(this.running, (other) => lost(other, since));
    const running: RunningAttempt = { endpoint: '', since, source };
    this.running.add(running);
    const attempt = new PendingCall(
      spec,
      request,
      deadlineAt,
      // Each attempt has its own marks: the other one would overwrite them.
      { ...extras, signal, ledger: extras.ledger?.ofAttempt() ?? null },
      (value) => this.onAnswer(running, value),
      (error) => this.onFailure(running, toRpcError(error)),
    );
    running.endpoint = this.hedger.dispatch(attempt, avoid);
  }

  private onAnswer(answered: RunningAttempt, value: unknown): void {
    if (!this.running.delete(answered)) return;
    this.policy.onAnswer(this.clock.now() - this.startedAt);
    this.end();
    const { failed } = this;
    if (failed.length === 0 || !this.call.extras?.detailed) {
      this.call.resolve(value);
      return;
    }
    // What a call with `detailed` resolves with.
    const result = value as CallResult;
    this.call.resolve({ ...result, attempts: [...failed, ...result.attempts] } satisfies CallResult);
  }

  private onFailure(failed: RunningAttempt, failure: RpcError): void {
    if (!this.running.delete(failed)) return;
    if (this.running.size > 0 || this.ended) {
      this.failed.push(...failure.attempts);
      return;
    }
    this.end();
    if (this.failed.length > 0) tellAttempts(failure, [...this.failed, ...failure.attempts]);
    rejectCall(this.call.resolve, this.call.reject, failure);
  }

  /** Cancels the other attempts, and notes where they were: they may have been retried elsewhere meanwhile. */
  private end(): void {
    this.ended = true;
    this.timer?.cancel();
    this.timer = null;
    for (const { source } of this.running) {
      source.abort(new RpcError('CANCELLED', 'another attempt was answered first'));
    }
    // An attempt whose deadline has passed reports nothing any more. One that still waits for an endpoint was sent nowhere.
    for (const other of this.running) if (other.endpoint !== '') this.failed.push(lost(other, this.clock.now()));
    this.running.clear();
  }
}

/** The entry of an attempt that has no answer. */
function lost({ endpoint, since }: RunningAttempt, now: number): Attempt {
  return { endpoint, code: 'CANCELLED', started: 'maybe', durationMs: now - since };
}
