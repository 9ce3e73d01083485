/** One attempt to make a call: told by errors, results and streams, so that it can be seen where a call has been. */
import type { RpcCode, Started } from './errors.js';

export interface Attempt {
  /** Address of the endpoint that was asked. */
  readonly endpoint: string;
  readonly code: RpcCode | 'OK';
  readonly started: Started;
  readonly durationMs: number;
}
