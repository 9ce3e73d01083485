/** What tests of the fleet know about it. */
import * as assert from 'uvu/assert';
import { isAlive } from './demo-run.js';

/** Compiled, from the project's root. */
export const fleet = '.build/examples/fleet/main.js';

/** The ids of all processes that it prints. */
export function processesOf(stdout: string): number[] {
  return [...stdout.matchAll(/^(?:etcd|server) +process (\d+)/gm)].map(([, pid]) => Number(pid));
}

/** None of them may outlive it; those that hear of its end only by a closed pipe have a moment. */
export async function assertGone(stdout: string): Promise<void> {
  const pids = processesOf(stdout);
  assert.ok(pids.length >= 3, stdout);
  for (let waits = 0; waits < 100 && pids.some(isAlive); waits += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.not(pids.some(isAlive));
}
