/** `bench -- limit` in its small form, for `bench -- smoke`. */
import { reportLimit } from '../commands/limit.js';
import type { Pinning } from '../process/cores.js';
import { buildLoad } from './peer-build.js';
import { findLimit, type LimitSettings } from './run.js';

/** Problems found. Without a C compiler it prints so and returns none. */
export async function smokeLimit(pinning: Pinning): Promise<string[]> {
  const built = buildLoad();
  if ('reason' in built) {
    console.log(`skipped: limit: ${built.reason}`);
    return [];
  }
  const settings: LimitSettings = {
    connections: [1, 8],
    inFlight: [64],
    rounds: 1,
    seconds: 0.1,
    warmUpSeconds: 0.05,
    pinning,
  };
  const samples = await findLimit(settings, built.path);
  reportLimit(settings, samples);
  return samples.flatMap(({ problem }) => (problem === null ? [] : [problem]));
}
