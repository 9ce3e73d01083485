/** What runs in a child process, as the bench sees it: the server or the client of a workload. */
import type { Counts } from './marks.js';

/** `Extra`: what its marks hold besides the counts. */
export interface Side<Extra extends object = object> {
  /** Where the server listens. */
  readonly port: number;
  count(): Counts & Extra;
  /** Calls back when so many calls are done. */
  at?(calls: number, callback: () => void): void;
  /** Does one thing that the workload knows by this name. */
  act?(name: string): void | Promise<void>;
}
