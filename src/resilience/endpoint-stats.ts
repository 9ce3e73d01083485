/**
 * What a channel has seen of one endpoint, shared by all connections to it: counts, and the cost by which `leastLoaded` compares.
 * The caller of each connection reports here, once per call; pickers and ejection read.
 *
 * The latency is an average of logarithms that follows a slower answer quickly and a faster one slowly. Finagle's peak-EWMA, which takes
 * the slowest answer of the last 10 s in full, was simulated too: it let a slow endpoint with a queue keep too much of it, and one pause
 * of a good one kept calls away for long (decision 007). What was kept of it: an endpoint that nothing was heard of gets
 * cheaper with time, so that it is asked again.
 *
 * Failures are no latency: they would make an endpoint that fails fast attractive. They raise the cost instead, by how often it
 * failed lately. Failures of one moment are one: all calls of a connection that broke.
 */
import type { RpcCode } from '../base/codes.js';

/** Time in which the cost of an endpoint that nothing was heard of falls to 37 %: Finagle's default `decayTime`. */
export const TAU_MS = 10_000;
/** How far one slower, and one faster answer moves the average. */
const SLOWER_WEIGHT = 0.3;
const FASTER_WEIGHT = 1 / 16;
/** How far one failure, or one answer, moves the share of failures. */
const FAILURE_WEIGHT = 1 / 16;
/** What an endpoint where every call fails costs more. One failure among answers (1.9 times) is not yet a difference to pickers. */
const FAILURE_COST = 15;
const FAILING_MIN = 0.001;
/** An endpoint that begins has one call more in flight than it has answered, until this many. */
const TRUST_ANSWERS = 100;
/** What a clock that is read once per chunk may call nothing. */
const LATENCY_MS_MIN = 0.001;

export class EndpointStats {
  /** Calls that were answered, also by an error that is not the endpoint's fault. */
  answered = 0;
  /** Calls that failed by the endpoint's fault. */
  failed = 0;
  /** Of these, those that it refused because it had too much to do (RESOURCE_EXHAUSTED): no reason to eject it. */
  refused = 0;
  /** Moments in which calls failed, other than by refusals, since the last answer. */
  failuresInRow = 0;
  /** @internal Set by the channel: called after `failuresInRow` grew. Not for refusals, of which an overload makes many. */
  onFailed: (() => void) | null = null;
  /** For pickers: whether `cost` holds a latency, or the failures only. */
  known = false;
  /** For pickers: natural logarithm of what a call costs here, as seen at `costAt`; it falls by 1 in `TAU_MS`. */
  cost = 0;
  /**
   * For pickers: when something was heard last; 0: never. They set it too, to ask an endpoint that got cheap by waiting only once.
   */
  costAt = 0;
  /** For pickers: with so many answers it is trusted; before, it gets calls as it answers them. */
  trustedAt = TRUST_ANSWERS;
  /** Of the last moments in which calls ended here: the share in which some failed. */
  private failing = 0;
  private failedAt = Number.NaN;
  private weighedAt = Number.NaN;
  private recoveredAt = Number.NaN;
  private logLatency = 0;
  private observedAt = 0;
  private slowestMs = 0;

  /** @internal A call was answered. `now` is the same for all answers that were read together; the slowest of them counts. */
  onAnswer(now: number, latencyMs: number): void {
    this.answered++;
    this.failuresInRow = 0;
    if (this.failing !== 0) this.recover(now);
    if (now === this.observedAt && latencyMs <= this.slowestMs) return;
    this.observe(now, latencyMs);
  }

  /**
   * @internal A call was answered whose duration says nothing of the endpoint, such as a call with a stream, or a call failed by its own
   * fault. It counts as answered, without a latency.
   */
  onUntimedEnd(now: number): void {
    this.answered++;
    this.failuresInRow = 0;
    if (this.failing !== 0) this.recover(now);
    // Not `known` by this, but heard of.
    if (!this.known) this.costAt = now;
  }

  /**
   * @internal A call failed. Codes that tell of the call and not of the endpoint are an `onUntimedEnd`. Not to be told of calls
   * that the endpoint gave back as it drains, nor of deadlines that passed in a queue of this process.
   */
  onFailure(now: number, code: RpcCode): void {
    if (!isEndpointFault(code)) {
      this.onUntimedEnd(now);
      return;
    }
    this.failed++;
    if (now !== this.weighedAt) {
      this.weighedAt = now;
      this.weigh(now, 1);
    }
    if (code === 'RESOURCE_EXHAUSTED') this.refused++;
    else if (now !== this.failedAt) {
      this.failedAt = now;
      this.failuresInRow++;
      this.onFailed?.();
    }
  }

  /** The latency of an answer as it counts now, in milliseconds; 0 while nothing was answered. Older ones count less. */
  latencyMs(now: number): number {
    return this.known ? Math.exp(this.logLatency - Math.max(0, now - this.costAt) / TAU_MS) : 0;
  }

  /** Answers since it is known, or since `beginAnew`. */
  get answersSinceBegin(): number {
    return this.answered - this.trustedAt + TRUST_ANSWERS;
  }

  /** What is known of it is old: it is not trusted until it has answered again. */
  beginAnew(): void {
    this.trustedAt = this.answered + TRUST_ANSWERS;
  }

  /** @internal What was seen is worth nothing any more: it begins as a new endpoint, with its counts. */
  forget(): void {
    this.beginAnew();
    this.known = false;
    this.cost = 0;
    this.costAt = 0;
    this.failing = 0;
    this.failuresInRow = 0;
  }

  private observe(now: number, latencyMs: number): void {
    const log = Math.log(latencyMs > LATENCY_MS_MIN ? latencyMs : LATENCY_MS_MIN);
    if (this.known) {
      const slower = log - this.logLatency;
      let weight = slower > 0 ? SLOWER_WEIGHT : FASTER_WEIGHT;
      // Not heard of for a while: what is known is old.
      const quiet = now - this.observedAt;
      if (quiet > FASTER_WEIGHT * TAU_MS) weight = Math.max(weight, 1 - Math.exp(-quiet / TAU_MS));
      this.logLatency += slower * weight;
    } else {
      this.logLatency = log;
      this.known = true;
    }
    this.slowestMs = latencyMs;
    this.observedAt = now;
    this.costAt = now;
    this.cost = this.failing === 0 ? this.logLatency : this.logLatency + Math.log(1 + FAILURE_COST * this.failing);
  }

  private recover(now: number): void {
    if (now === this.recoveredAt) return;
    this.recoveredAt = now;
    this.weigh(now, 0);
  }

  /** Moves the share of failures towards 0 or 1. */
  private weigh(now: number, outcome: 0 | 1): void {
    this.failing += (outcome - this.failing) * FAILURE_WEIGHT;
    if (this.failing < FAILING_MIN) this.failing = 0;
    this.cost = (this.known ? this.logLatency : 0) + Math.log(1 + FAILURE_COST * this.failing);
    this.costAt = now;
  }
}

/** Whether a failure with this code says something about the endpoint, and not about the call. */
function isEndpointFault(code: RpcCode): boolean {
  switch (code) {
    case 'UNAVAILABLE':
    case 'INTERNAL':
    case 'UNKNOWN':
    case 'RESOURCE_EXHAUSTED':
    case 'DEADLINE_EXCEEDED':
    case 'DATA_LOSS':
      return true;
    default:
      return false;
  }
}
