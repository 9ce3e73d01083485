/**
 * Async context (`AsyncLocalStorage`): code of the application runs in the context of its caller, or in none. Whatever lives longer than a
 * call (sockets, timers, look-ups) is made in no context: made in a caller's, it would keep that caller's stores alive and run everybody's
 * callbacks in them.
 *
 * `AsyncLocalStorage.snapshot` would do the same, but costs 20 us a piece in Node 20 and 22.
 */
import { AsyncResource } from 'node:async_hooks';
import { textOf, warn } from './error-values.js';

class ContextResource extends AsyncResource {
  constructor() {
    super('TrunklineContext');
  }

  /** It keeps no process alive: said to tools that look for open handles (`jest --detectOpenHandles`). */
  hasRef(): boolean {
    return false;
  }
}

/** The context that was current when it was captured. */
export class AsyncContext {
  private readonly resource = new ContextResource();

  run<A extends unknown[], R>(callback: (...args: A) => R, ...args: A): R {
    return this.resource.runInAsyncScope(callback, undefined, ...args);
  }
}

/** As it was when this module was loaded, which is outside of any request. */
const none = new AsyncContext();

/** Makes something in no context. */
export function inNoContext<A extends unknown[], R>(make: (...args: A) => R, ...args: A): R {
  return none.run(make, ...args);
}

/**
 * The same for code of the application. In Node before 24 what that sets by `enterWith` stays with the resource in which it runs, so it
 * gets one of its own.
 */
export function inFreshContext<A extends unknown[], R>(callback: (...args: A) => R, ...args: A): R {
  return inNoContext(fresh).run(callback, ...args);
}

function fresh(): AsyncContext {
  return new AsyncContext();
}

/**
 * Calls a listener of the application: what it throws, or what a promise of its rejects with, becomes one warning of the process and
 * disturbs nothing else. What it returns is ignored. `what` names the listener, such as `onHandlerError`.
 */
export function callListener<A extends unknown[]>(what: string, listener: (...args: A) => unknown, ...args: A): void {
  const tell = (error: unknown): void => {
    warn(new Error(`${what} threw: ${textOf(error)}`, { cause: error }));
  };
  let returned: unknown;
  try {
    returned = listener(...args);
  } catch (error) {
    tell(error);
    return;
  }
  if (typeof returned !== 'object' || returned === null) return;
  // Also of a thenable, which may throw: that rejects this promise.
  new Promise((resolve) => {
    resolve(returned);
  }).catch(tell);
}

/**
 * Whether what `enterWith` sets in the callback of a socket stays with that socket. Bun and Deno call themselves a Node from 24 on; in Deno
 * it stays.
 */
export const socketsKeepContexts =
  Number.parseInt(process.versions.node, 10) < 24 || process.versions['deno'] !== undefined;
