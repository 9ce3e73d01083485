/** The counters that every side of every workload reports. A workload that reports more declares its own type in its `roles.ts`. */

/** Calls or items: a client counts answers, a server requests, and of streams both count items. */
export interface Counts {
  readonly done: number;
  readonly wrong: number;
  readonly failed: number;
  /** The first failure's text, empty while there is none. */
  readonly failure: string;
}

/** One side at one moment. */
export interface Mark extends Counts {
  /** CPU time of the process so far, user and system, in microseconds. */
  readonly cpuUs: number;
  /** Milliseconds of this process's monotonic clock. */
  readonly atMs: number;
  readonly rssBytes: number;
}

/** A workload's report, which is null until it has one. Throws an `Error` when it has none. */
export function said<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`a side of the bench did not say its ${what}`);
  return value;
}
