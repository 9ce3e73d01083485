/** Which cores the two sides are pinned to: the first two that this process may use, where `taskset` exists. */
import { execFileSync } from 'node:child_process';

export interface Pinning {
  /** Core of the server and of the client, or null when processes are left to the scheduler. */
  readonly cores: readonly [server: number, client: number] | null;
  /** For people, such as `server on core 0, client on core 1`. */
  readonly text: string;
}

export function findPinning(): Pinning {
  let output: string;
  try {
    output = execFileSync('taskset', ['-cp', String(process.pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return { cores: null, text: 'not pinned: there is no taskset here' };
  }
  const [server, client] = coresIn(output);
  if (server === undefined || client === undefined) return { cores: null, text: 'not pinned: fewer than two cores' };
  return { cores: [server, client], text: `server on core ${server}, client on core ${client}` };
}

/** The cores in `pid 7's current affinity list: 0,2-4`. */
export function coresIn(affinity: string): number[] {
  const list = affinity.slice(affinity.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) return [];
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
