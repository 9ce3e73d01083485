/** The rivals that are measured at a fixed rate beside the engine: those that run in Node, by name. */
import type { Contender } from '../contenders/contender.js';
import { UsageError } from '../options.js';
import { loadNodeRival, nodeRivals } from '../rivals/node-rivals.js';
import type { Rival } from '../rivals/rival.js';

/** A floor is shown, and is no rival: no target is judged by it. */
export type LatencyContender = Pick<Rival, 'name' | 'title' | 'floor'>;

/** Those in `a,b`. Null: every rival, and the floor program; `none`: nobody. */
export function latencyContenders(text: string | null): Rival[] {
  if (text === 'none') return [];
  const all = nodeRivals().filter(({ name, workloads }) => name !== 'engine' && workloads.includes('unary'));
  if (text === null) return all.filter(({ name, floor }) => name === 'floor' || !(floor || name.startsWith('engine')));
  return text.split(',').map((name) => {
    const known = all.find((rival) => rival.name === name);
    if (known === undefined)
      throw new UsageError(`--rivals takes none, or some of ${all.map((rival) => rival.name).join(', ')}, not ${name}`);
    return known;
  });
}

/** Whoever runs it gives it its own workload's messages, so their type does not matter. */
export async function loadLatencyContender(name: string): Promise<Contender<unknown>> {
  const { unary } = await loadNodeRival(name);
  if (unary === undefined) throw new Error(`${name} has no unary calls`);
  return unary as Contender<unknown>;
}
