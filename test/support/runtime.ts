/** Which runtime the tests run in: Node, or another that offers Node's interfaces (Bun, Deno). */
import type { Callback, Test } from 'uvu';

export type Runtime = 'node' | 'bun' | 'deno';

export const runtime: Runtime =
  process.versions['bun'] !== undefined ? 'bun' : process.versions['deno'] !== undefined ? 'deno' : 'node';

/** Defines a test of something that these runtimes have; in others it is skipped by name, with the reason. */
export function onlyIn(
  define: Test,
  runtimes: readonly Runtime[],
  reason: string,
): (name: string, body: Callback) => void {
  return (name, body) => {
    if (runtimes.includes(runtime)) define(name, body);
    else {
      console.log(`skipped: ${name}: ${reason}`);
      define.skip(name);
    }
  };
}
