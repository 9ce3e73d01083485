/**
 * When a second attempt of an idempotent call is worth making while the first is still out: after the time that most calls need not
 * (Dean and Barroso, The Tail at Scale, 2013: at the 95th percentile it adds about 5 % to the load). The channel takes each
 * hedge from the retry budget, cancels the loser, and keeps one policy for each set of calls that are alike, such as a method.
 */
import { RpcError } from '../base/errors.js';
import { LatencyQuantile } from './latency-quantile.js';

export interface HedgeOptions {
  /** After the time that this share of the calls needs at most. Default 0.95. */
  readonly percentile?: number;
  /** Nothing is hedged before so many calls were answered. Default 100: with fewer the 95th percentile is that of a handful. */
  readonly callsMin?: number;
  /** No hedge sooner than this, in milliseconds. Default 1, the resolution of timers. */
  readonly delayMsMin?: number;
}

/** The delay is computed anew after so many answers. */
const ANSWERS_A_LOOK = 64;
/** The quantile is up to 2.5 % off: of calls that all take the same time, none is late. */
const MARGIN = 1.05;

export class HedgePolicy {
  private readonly options: Required<HedgeOptions>;
  private readonly latencies = new LatencyQuantile();
  private delay: number | null = null;
  private untilLook = 0;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option out of its range. */
  constructor({ percentile = 0.95, callsMin = 100, delayMsMin = 1 }: HedgeOptions = {}) {
    if (!(percentile > 0 && percentile < 1)) throw wrong('percentile', percentile, 'more than 0 and less than 1');
    // More are not held.
    if (!(callsMin >= 1 && callsMin <= 1000)) throw wrong('callsMin', callsMin, 'from 1 to 1,000');
    if (!(delayMsMin >= 0)) throw wrong('delayMsMin', delayMsMin, '0 or more');
    this.options = { percentile, callsMin, delayMsMin };
  }

  /** A call was answered. Of a hedged one, `latencyMs` is that of its first attempt, or how long that had been out when it lost. */
  onAnswer(latencyMs: number): void {
    this.latencies.observe(latencyMs);
    if (--this.untilLook > 0) return;
    const { percentile, callsMin, delayMsMin } = this.options;
    if (this.latencies.observations < callsMin) return;
    this.delay = Math.max(delayMsMin, this.latencies.quantile(percentile) * MARGIN);
    this.untilLook = ANSWERS_A_LOOK;
  }

  /** After so many milliseconds a second attempt is made; null: too little is known. */
  delayMs(): number | null {
    return this.delay;
  }
}

function wrong(name: string, value: number, range: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `hedging.${name} is ${value}, but must be ${range}`);
}
