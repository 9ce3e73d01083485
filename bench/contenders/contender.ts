/** What the bench runs: a server that echoes a workload's messages, and a client of it. Each in a process of its own. */
import type { Canonical } from '../canonical.js';
import type { Workload } from '../load.js';

/** `sync`: the handler returns the answer. `async`: it is an async function. */
export type HandlerKind = 'sync' | 'async';

export interface ServedContender {
  readonly port: number;
  /** Calls that the handler has had so far. */
  readonly calls: () => number;
  /** Of these, requests that no client sends. Without it the server only decodes them. */
  readonly wrong?: () => number;
  /** CPU time so far of other processes that serve, such as a broker, in microseconds. */
  readonly otherCpuUs?: () => number;
}

export interface Contender<Message = Canonical> {
  readonly workload: Workload<Message>;
  /** Listens on a free port of 127.0.0.1. */
  serve(handler: HandlerKind): Promise<ServedContender>;
  /** Connects once. Resolves with the function that makes one call. */
  dial(port: number): Promise<(message: Message) => Promise<Message>>;
}
