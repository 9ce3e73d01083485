/**
 * What a child process is started for: a module that opens one side of a workload, and the argument for it. Workloads make their roles in
 * their own `roles.ts`; nothing in `process/` knows any of them.
 */
import type { Side } from './side.js';

/** `Extra`: what the marks of this side hold besides the counts. */
export interface Role<Extra extends object = object> {
  /** URL of a module whose `open` takes the argument and resolves with the side. */
  readonly module: string;
  /** For people, such as `server of mix`. */
  readonly title: string;
  /** Reaches the process as JSON. */
  readonly argument: object;
  /** Never set: it ties the role to the marks of its side. */
  readonly extra?: Extra;
}

/** What the module of a role exports. */
export interface SideModule {
  readonly open: (argument: object) => Promise<Side>;
}

/** `module`: beside the caller, by `new URL('sides.js', import.meta.url)`. */
export function roleOf<Extra extends object = object>(module: URL, title: string, argument: object): Role<Extra> {
  return { module: module.href, title, argument };
}
