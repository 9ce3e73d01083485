/** What the bench and its child processes say to each other over IPC. */
import type { Mark } from './marks.js';

export type Order =
  | { readonly kind: 'mark' }
  /** Answer with a mark once so many calls are done in all. */
  | { readonly kind: 'markAt'; readonly calls: number }
  /** Do what the workload knows by this name, and answer with a mark. */
  | { readonly kind: 'act'; readonly name: string }
  | { readonly kind: 'stop' };

/** `Extra`: what the workload's marks hold besides the counts. */
export type Notice<Extra extends object = object> =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'mark'; readonly mark: Mark & Extra }
  | { readonly kind: 'error'; readonly text: string };
