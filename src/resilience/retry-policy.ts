/**
 * Whether a failed call that may be retried should be, and after what backoff. That it may be retried (it did not start, or is idempotent)
 * was decided before. The channel checks the retry budget afterwards.
 */

import type { RpcCode } from '../base/codes.js';
import { RpcCodes } from '../base/codes.js';
import type { RpcError } from '../base/errors.js';
import { type OptionKinds, readOptions, wrongOption } from '../base/options.js';
import type { RetryBudgetOptions } from './retry-budget.js';

export interface RetryOptions {
  /** Attempts of a call, the first included. Default 3. 1 turns retries off. */
  readonly attemptsMax?: number;
  /**
   * Codes that are retried. Default `UNAVAILABLE` and `RESOURCE_EXHAUSTED`: the endpoint was unreachable or overloaded. Other failures
   * tend to repeat at every endpoint.
   */
  readonly codes?: readonly RpcCode[];
  /** Backoff before the first retry, in milliseconds; doubles each time, and a random part of it is waited. Default 25 (Envoy's). */
  readonly waitMsFirst?: number;
  /** Longest backoff, in milliseconds. Default 250 (Envoy's). */
  readonly waitMsMax?: number;
  /** The retry budget: how many retries the channel may make, as a share of its calls. */
  readonly budget?: RetryBudgetOptions;
}

const kinds: OptionKinds<RetryOptions> = {
  attemptsMax: 'number',
  codes: 'list',
  waitMsFirst: 'number',
  waitMsMax: 'number',
  budget: 'checked',
};

/** The options, checked. Throws an `RpcError` (INVALID_ARGUMENT) that names the wrong one. */
export function readRetryOptions(given: RetryOptions): RetryOptions {
  const options = readOptions('retry.', given, kinds);
  const { attemptsMax = 3, codes = [], waitMsFirst = 25, waitMsMax = 250 } = options;
  const wrong = (name: string, value: unknown, range: string): RpcError => wrongOption('retry.', name, value, range);
  if (!(Number.isInteger(attemptsMax) && attemptsMax >= 1))
    throw wrong('attemptsMax', attemptsMax, 'a whole number from 1');
  if (!(waitMsFirst >= 0 && waitMsFirst < Infinity)) throw wrong('waitMsFirst', waitMsFirst, '0 or more');
  if (!(waitMsMax >= 0 && waitMsMax < Infinity)) throw wrong('waitMsMax', waitMsMax, '0 or more');
  for (const code of codes) if (!Object.hasOwn(RpcCodes, code)) throw wrong('codes', code, 'a list of codes');
  return options;
}

const retriedCodes: readonly RpcCode[] = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'];
/** All refused callers get the same hint: each waits up to this share longer, so that they do not come back together. */
const HINT_JITTER = 0.2;

/**
 * Milliseconds to wait before the next attempt; null: there is none. `retriesMade` is 0 after the first attempt; resends (after a drain, or
 * of a call that was never written) do not count. `elsewhere`: an endpoint at which the call has not failed takes calls.
 */
export function retryWaitMs(
  failure: RpcError,
  retriesMade: number,
  { attemptsMax = 3, codes = retriedCodes, waitMsFirst = 25, waitMsMax = 250 }: RetryOptions,
  random: () => number,
  elsewhere: boolean,
): number | null {
  if (retriesMade + 1 >= attemptsMax || !codes.includes(failure.code)) return null;
  // The first retry goes to another endpoint at once. After that all endpoints seem to be busy.
  if (elsewhere && retriesMade === 0) return 0;
  if (failure.retryAfterMs !== undefined) return failure.retryAfterMs * (1 + HINT_JITTER * random());
  return random() * Math.min(waitMsFirst * 2 ** retriesMade, waitMsMax);
}
