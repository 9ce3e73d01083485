/** `bench -- memory`: does a connection leak? RSS of both sides after each million calls. */

import { type CallsPair, withPair } from '../calls/pair.js';
import { command, option, UsageError } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import type { Mark } from '../process/marks.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { fixed, table, whole } from '../report/table.js';

export interface MemorySettings {
  readonly calls: number;
  /** Calls from one mark to the next. */
  readonly every: number;
  readonly inFlight: number;
  readonly pinning: Pinning;
}

interface Row {
  readonly calls: number;
  readonly server: Mark;
  readonly client: Mark;
}

const GROWTH_MAX = 0.05;
/** Slowest rate, in calls/s, at which a run is still waited for. */
const CALLS_PER_SECOND_MIN = 1000;

const options = {
  calls: option.whole('COUNT', 10_000_000, 1, 'calls in all'),
  every: option.whole('COUNT', 1_000_000, 1, 'calls between two marks'),
  'in-flight': option.whole('COUNT', 512, 1, 'calls in flight'),
} as const;

export const memoryCommand = command('memory', 'memory of both sides over many calls', options, async (values) => {
  const settings: MemorySettings = {
    calls: values.calls,
    every: values.every,
    inFlight: values['in-flight'],
    pinning: findPinning(),
  };
  if (settings.calls < 2 * settings.every)
    throw new UsageError('--calls is at least twice --every: growth needs two marks');
  console.log(`${environmentText(describeEnvironment(settings.pinning.text))}\n`);
  const rows = await observe(settings);
  console.log(memoryTable(rows));
  const grown = growthOf(rows);
  console.log(`\ngrowth, last against first: server ${percent(grown.server)}, client ${percent(grown.client)}`);
  const problem = problemIn(rows);
  if (problem !== null) console.log(`FAILED: ${problem}`);
  const met = Math.max(grown.server, grown.client) <= GROWTH_MAX;
  console.log(`target ${met ? 'met' : 'MISSED'}: at most ${percent(GROWTH_MAX)} on either side`);
  return met && problem === null ? 0 : 1;
});

/** One row per `every` calls. */
export function observe(settings: MemorySettings): Promise<Row[]> {
  const { calls, every, inFlight, pinning } = settings;
  const pair = { contender: 'engine', handler: 'sync', inFlight, pinning, profileFolder: null } as const;
  return withPair(pair, async ({ server, client }: CallsPair) => {
    const rows: Row[] = [];
    const msMax = 20_000 + (every / CALLS_PER_SECOND_MIN) * 1000;
    for (let done = every; done <= calls; done += every) {
      const at = await client.markAt(done, msMax);
      rows.push({ calls: done, client: at, server: await server.mark() });
    }
    return rows;
  });
}

export function problemIn(rows: readonly Row[]): string | null {
  const last = rows.at(-1)?.client;
  if (last === undefined) return 'nothing was measured';
  if (last.wrong > 0) return `${last.wrong} answers were wrong`;
  return last.failed > 0 ? `${last.failed} callers failed, the first with: ${last.failure}` : null;
}

export function growthOf(rows: readonly Row[]): { readonly server: number; readonly client: number } {
  const first = rows[0] as Row;
  const last = rows.at(-1) as Row;
  return {
    server: last.server.rssBytes / first.server.rssBytes - 1,
    client: last.client.rssBytes / first.client.rssBytes - 1,
  };
}

function memoryTable(rows: readonly Row[]): string {
  const lines = rows.map(({ calls, server, client }) => [whole(calls), mebibytes(server), mebibytes(client)]);
  return table([['calls', 'server RSS MiB', 'client RSS MiB'], ...lines], 0);
}

function mebibytes({ rssBytes }: Mark): string {
  return fixed(rssBytes / 2 ** 20, 1);
}

function percent(share: number): string {
  return `${fixed(share * 100, 1)} %`;
}
