/**
 * How the objects that applications hold (channels, servers, clients, peers, contexts, streams) look in `console.log` and
 * `util.inspect`: a name and a few plain fields, instead of everything they consist of. The fields never hold credentials: no key,
 * certificate, token, password or value of metadata.
 */
import type { InspectOptionsStylized } from 'node:util';

/** The name of the method by which an object prints itself; Node.js, Bun and Deno look for it. */
export const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/** `util.inspect`, which is given to each method of that name. */
export type Inspect = (value: unknown, options: InspectOptionsStylized) => string;

/** Longer lists are cut, with a note of how many entries are missing. */
const ENTRIES_MAX = 5;

/** `Name { field: value, ... }`; `[Name]` when the object is nested too deeply to be printed. */
export function shortView(
  name: string,
  fields: Readonly<Record<string, unknown>>,
  depth: number,
  options: InspectOptionsStylized,
  inspect: Inspect,
): string {
  if (depth < 0) return options.stylize(`[${name}]`, 'special');
  return `${name} ${inspect(fields, { ...options, depth: 1, showHidden: false, maxArrayLength: ENTRIES_MAX })}`;
}
