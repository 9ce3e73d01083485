/** What tests of the demo know about it. */

/** Compiled, from the project's root. */
export const demo = '.build/examples/demo/main.js';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The process id that the demo prints for its server. */
export function serverPid(stdout: string): number {
  return Number(/server {2}process (\d+)/.exec(stdout)?.[1]);
}
