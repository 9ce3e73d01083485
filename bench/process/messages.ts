/** What the bench and its two child processes say to each other over IPC. */

import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';

/** What a child process is started for; its argument, as JSON. */
export type Role =
  | { readonly side: 'server'; readonly contender: ContenderName; readonly handler: HandlerKind }
  | { readonly side: 'client'; readonly contender: ContenderName; readonly port: number; readonly inFlight: number };

export type Order =
  | { readonly kind: 'mark' }
  /** Answer with a mark once so many calls are done in all. */
  | { readonly kind: 'markAt'; readonly calls: number }
  | { readonly kind: 'stop' };

/** One side at one moment. A client counts answers, a server requests. */
export interface Mark {
  readonly calls: number;
  /** CPU time of the process so far, user and system, in microseconds. */
  readonly cpuUs: number;
  /** Milliseconds of this process's monotonic clock. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
}

export type Notice =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'mark'; readonly mark: Mark }
  | { readonly kind: 'error'; readonly text: string };
