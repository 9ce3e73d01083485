/** One try of a call at one endpoint: errors and results tell all of theirs, in the order in which they were made. */
import type { RpcCode, Started } from './codes.js';

export interface Attempt {
  /** Where: the endpoint's address as the channel knows it, such as `tcp://10.0.0.1:7000`. */
  readonly endpoint: string;
  /** How it ended there. */
  readonly code: RpcCode | 'OK';
  /** Whether the handler may have run there. */
  readonly started: Started;
  /** Milliseconds from when the request was given to the endpoint's connection until its end there; waiting before that is no part. */
  readonly durationMs: number;
}

/** What was tried by a call that was sent nowhere. */
export const noAttempts: readonly Attempt[] = Object.freeze([]);
