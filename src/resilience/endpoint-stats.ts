/**
 * What a channel has seen of one endpoint, shared by all connections to it: counts, and the latency by which `leastLoaded` compares.
 * The caller of each connection reports here, once per call; pickers and ejection read.
 *
 * The latency is a peak-EWMA (Finagle's): a slower answer counts at once and in full, faster ones only by the time that passed
 * (tau 10 s). An endpoint that nothing was heard of gets cheaper with time, so that it is asked again.
 *
 * Answers that were read together have the same `now`: only the slowest of them is worth an update.
 */
import type { RpcCode } from '../base/errors.js';

/** Time in which what was seen loses 63 % of its weight: Finagle's default `decayTime`. */
export const TAU_MS = 10_000;
/** A latency of 0 would say that the endpoint is not known: a clock that is read once per chunk measures one. */
const LATENCY_MS_MIN = 0.001;

export class EndpointStats {
  /** Calls that were answered, also by an error that is not the endpoint's fault. */
  answered = 0;
  /** Calls that failed by the endpoint's fault. */
  failed = 0;
  /** Of these, those that the endpoint refused because it had too much to do (RESOURCE_EXHAUSTED). */
  refused = 0;
  /** Failures, other than refusals, since the last answer. */
  failuresInRow = 0;
  /** Set by the channel: called after a failure by the endpoint's fault was counted. */
  onFailed: (() => void) | null = null;
  /** What a call costs here, in milliseconds, at `levelAt`: latency with the penalty for failures. 0: not known. */
  level = 0;
  levelAt = 0;
  private observedAt = 0;
  private chunkMs = 0;

  /** A call was answered. `now` is the same for all answers that were read together. */
  onAnswer(now: number, latencyMs: number): void {
    this.answered++;
    this.failuresInRow = 0;
    if (now === this.observedAt && latencyMs <= this.chunkMs) return;
    this.observe(now, latencyMs);
  }

  /** A call failed. Codes that are not the endpoint's fault count as answered, without a latency. */
  onFailure(now: number, code: RpcCode): void {
    if (!isEndpointFault(code)) {
      this.answered++;
      this.failuresInRow = 0;
      return;
    }
    this.failed++;
    if (code === 'RESOURCE_EXHAUSTED') this.refused++;
    else this.failuresInRow++;
    this.observe(now, 1000);
    this.onFailed?.();
  }

  /** The latency of this endpoint as it counts now, in milliseconds; 0 while nothing was answered. */
  latencyMs(now: number): number {
    return this.level * Math.exp((this.levelAt - now) / TAU_MS);
  }

  private observe(now: number, latencyMs: number): void {
    const ms = Math.max(latencyMs, LATENCY_MS_MIN);
    const kept = this.level * Math.exp((this.observedAt - now) / TAU_MS);
    if (ms > kept) this.level = ms;
    else this.level = kept + ms * (1 - Math.exp((this.observedAt - now) / TAU_MS));
    this.chunkMs = now === this.observedAt ? Math.max(ms, this.chunkMs) : ms;
    this.observedAt = now;
    this.levelAt = now;
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
