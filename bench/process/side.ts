/** What runs in a child process, as the bench sees it: the server or the client of a workload. */
import type { Mark } from './messages.js';

export type Counts = Omit<Mark, 'cpuUs' | 'atMs' | 'rssBytes'>;

export interface Side {
  /** Where the server listens. */
  readonly port: number;
  count(): Counts;
  /** Calls back when so many calls are done. */
  at?(calls: number, callback: () => void): void;
  /** Does one thing that the workload knows by this name. */
  act?(name: string): void | Promise<void>;
}
