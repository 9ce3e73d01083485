/**
 * A failed call names its caller. The error is made in the callback of a socket or timer, where no caller is on the stack. So the call's
 * promise is not rejected there, but resolved with a promise that rejects a few microtasks later: in that moment V8 knows which async
 * functions await the call, and an error that captures its stack then has them. Calls that succeed pay nothing for it. Bun and Deno run
 * the same code; what they know of awaiting functions is theirs.
 */

/**
 * Rejects the promise to which `resolve` belongs, with `error` and its caller's stack. `reject`: null for such a promise; whoever
 * gets the outcome otherwise gives a function of its own.
 */
export function rejectCall(
  resolve: (value: Promise<never>) => void,
  reject: ((error: unknown) => void) | null,
  error: unknown,
): void {
  if (reject !== null) {
    reject(error);
    return;
  }
  let start = (): void => {};
  const begun = new Promise<void>((resolveBegun) => {
    start = resolveBegun;
  });
  // First adopted, then begun: when the callback runs, the call's promise hangs on this one, and its awaiters on that.
  resolve(
    begun.then(() => {
      addCallers(error);
      throw error;
    }),
  );
  start();
}

/** Where this package's files are; empty in a bundle, where nothing tells them from the application's. */
const ownFolder: string = (() => {
  const here: unknown = import.meta.url;
  if (typeof here !== 'string') return '';
  return /[/]base[/]caller-stack[.][jt]s$/.test(here) ? here.slice(0, here.lastIndexOf('/base/')) : '';
})();

/** What the awaiting functions are called in a stack. */
const AWAITED = /^\s+at async /;

/** Adds the functions that await the call to the error's stack, when that is read: to format it costs more than to capture it. */
function addCallers(error: unknown): void {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return;
  const holder: { stack?: string } = {};
  Error.captureStackTrace?.(holder, addCallers);
  const own = Object.getOwnPropertyDescriptor(error, 'stack');
  if (own?.configurable === false) return;
  const before: { readonly stack?: string } = own === undefined ? {} : Object.defineProperty({}, 'stack', own);
  Object.defineProperty(error, 'stack', {
    configurable: true,
    enumerable: false,
    get() {
      const stack = joined(error, before.stack ?? '', holder.stack ?? '');
      Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true, enumerable: false });
      return stack;
    },
    set(value: unknown) {
      Object.defineProperty(error, 'stack', { value, configurable: true, writable: true, enumerable: false });
    },
  });
}

/** The error's own stack without frames of this package and of Node.js, where others are left; then the functions that await the call. */
function joined(error: Error, stack: string, callers: string): string {
  const awaiting = callers.split('\n').filter((line) => AWAITED.test(line) && !isOwn(line));
  if (awaiting.length === 0) return stack;
  const at = stack.indexOf('\n    at ');
  const head = at < 0 ? stack || `${error.name}: ${error.message}` : stack.slice(0, at);
  const frames = at < 0 ? [] : stack.slice(at + 1).split('\n');
  const kept = frames.filter((line) => !isOwn(line) && !awaiting.includes(line));
  return [head, ...kept, ...awaiting].join('\n');
}

function isOwn(line: string): boolean {
  return /[( ]node:/.test(line) || (ownFolder !== '' && line.includes(`${ownFolder}/`));
}
