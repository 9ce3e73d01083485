/**
 * Whether a call that failed and may be made again is worth it, and how long to wait. That it *may* be (it did not start, or is
 * idempotent) was judged before; here it is only about sense. The budget is asked by the channel afterwards.
 */

import type { RpcCode } from '../base/codes.js';
import { RpcCodes } from '../base/codes.js';
import { RpcError } from '../base/errors.js';
import type { RetryBudgetOptions } from './retry-budget.js';

export interface RetryOptions {
  /** Attempts of a call, the first included. Default 3. 1 turns retries off. */
  readonly attemptsMax?: number;
  /**
   * Codes that are retried. Default `UNAVAILABLE` and `RESOURCE_EXHAUSTED`: the endpoint was not there, or had too much to do. Others
   * tend to come again wherever the call goes.
   */
  readonly codes?: readonly RpcCode[];
  /** Milliseconds before the first retry, doubled each time, of which a random part is waited. Default 25 (Envoy's). */
  readonly waitMsFirst?: number;
  /** The most of that. Default 250 (Envoy's). */
  readonly waitMsMax?: number;
  /** How many retries there may be in all: a share of the channel's calls. */
  readonly budget?: RetryBudgetOptions;
}

/** Throws an `RpcError` (INVALID_ARGUMENT) that names the wrong option. */
export function checkRetryOptions({
  attemptsMax = 3,
  codes = [],
  waitMsFirst = 25,
  waitMsMax = 250,
}: RetryOptions): void {
  const wrong = (name: string, value: unknown, range: string): RpcError =>
    new RpcError('INVALID_ARGUMENT', `retry.${name} is ${String(value)}, but must be ${range}`);
  if (!(Number.isInteger(attemptsMax) && attemptsMax >= 1))
    throw wrong('attemptsMax', attemptsMax, 'a whole number from 1');
  if (!(waitMsFirst >= 0 && waitMsFirst < Infinity)) throw wrong('waitMsFirst', waitMsFirst, '0 or more');
  if (!(waitMsMax >= 0 && waitMsMax < Infinity)) throw wrong('waitMsMax', waitMsMax, '0 or more');
  for (const code of codes) if (!Object.hasOwn(RpcCodes, code)) throw wrong('codes', code, 'a list of codes');
}

const retriedCodes: readonly RpcCode[] = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'];
/** A hint is the same for all who were refused: so much longer, at random, that they do not come back together. */
const HINT_JITTER = 0.2;

/**
 * Milliseconds to wait before the next attempt, or null: no other is to be made. `retriesMade` is 0 after the first attempt. Transparent
 * resends (a drain, a call that was never written) are not asked about and not counted. `elsewhere`: an endpoint that has not failed
 * the call takes calls.
 */
export function retryWaitMs(
  failure: RpcError,
  retriesMade: number,
  { attemptsMax = 3, codes = retriedCodes, waitMsFirst = 25, waitMsMax = 250 }: RetryOptions,
  random: () => number,
  elsewhere: boolean,
): number | null {
  if (retriesMade + 1 >= attemptsMax || !codes.includes(failure.code)) return null;
  // Another may take it: at once, the first time. After that all of them seem to be busy.
  if (elsewhere && retriesMade === 0) return 0;
  if (failure.retryAfterMs !== undefined) return failure.retryAfterMs * (1 + HINT_JITTER * random());
  return random() * Math.min(waitMsFirst * 2 ** retriesMade, waitMsMax);
}
