/**
 * When to send a second attempt (a hedge) of an idempotent call whose first is still unanswered: after the time in which most calls are
 * answered (Dean and Barroso, The Tail at Scale, 2013: at the 95th percentile it adds about 5 % to the load). The channel takes each
 * hedge from the retry budget, cancels the slower attempt, and keeps one policy per method.
 */
import { type OptionKinds, readOptions, wrongOption } from '../base/options.js';
import { LatencyQuantile } from './latency-quantile.js';

export interface HedgeOptions {
  /** A hedge is sent after the time in which this share of the calls is answered, more than 0 and less than 1. Default 0.95. */
  readonly percentile?: number;
  /** Calls of a method that must be answered before it is hedged, from 1 to 1,000. Default 100: fewer say little of the 95th percentile. */
  readonly callsMin?: number;
  /** Shortest delay before a hedge, in milliseconds. Default 1, the resolution of timers. */
  readonly delayMsMin?: number;
}

/** The delay is computed again after this many answers. */
const ANSWERS_A_LOOK = 64;
/** The quantile is up to 2.5 % off: when all calls take the same time, none of them is hedged. */
const MARGIN = 1.05;

const kinds: OptionKinds<HedgeOptions> = { percentile: 'number', callsMin: 'number', delayMsMin: 'number' };

export class HedgePolicy {
  private readonly options: Required<HedgeOptions>;
  private readonly latencies = new LatencyQuantile();
  private delay: number | null = null;
  private untilLook = 0;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option out of its range. */
  constructor(options?: HedgeOptions) {
    const { percentile = 0.95, callsMin = 100, delayMsMin = 1 } = readOptions('hedging.', options, kinds);
    if (!(percentile > 0 && percentile < 1))
      throw wrongOption('hedging.', 'percentile', percentile, 'more than 0 and less than 1');
    // No more observations are kept.
    if (!(callsMin >= 1 && callsMin <= 1000)) throw wrongOption('hedging.', 'callsMin', callsMin, 'from 1 to 1,000');
    if (!(delayMsMin >= 0)) throw wrongOption('hedging.', 'delayMsMin', delayMsMin, '0 or more');
    this.options = { percentile, callsMin, delayMsMin };
  }

  /** A call was answered. `latencyMs` counts from the first attempt of a hedged call. */
  onAnswer(latencyMs: number): void {
    this.latencies.observe(latencyMs);
    if (--this.untilLook > 0) return;
    const { percentile, callsMin, delayMsMin } = this.options;
    if (this.latencies.observations < callsMin) return;
    this.delay = Math.max(delayMsMin, this.latencies.quantile(percentile) * MARGIN);
    this.untilLook = ANSWERS_A_LOOK;
  }

  /** Milliseconds after which a hedge is sent; null: too few calls were answered yet. */
  delayMs(): number | null {
    return this.delay;
  }
}
