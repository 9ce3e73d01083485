/**
 * `bench -- mix`: do small calls wait behind large bytes? The latency of small calls with and without one blob each way on the same
 * connection, in turns within one run.
 */
import type { Latency } from '../latencies.js';
import { problemOf } from '../measure.js';
import { type MixExtra, mixClient, mixServer } from '../mix/roles.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { type Mark, said } from '../process/marks.js';
import { withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';

export interface MixSettings {
  readonly inFlight: number;
  readonly blobBytes: number;
  readonly rounds: number;
  readonly quietSeconds: number;
  readonly warmUpSeconds: number;
  readonly judged: boolean;
  readonly pinning: Pinning;
}

export interface MixRound {
  readonly quiet: Latency;
  readonly blob: Latency;
}

export interface MixRun {
  readonly rounds: readonly MixRound[];
  readonly problem: string | null;
}

const RATIO_MAX = 3;
const MIB = 1024 * 1024;
const ACT_MS_MAX = 60_000;

const options = {
  'in-flight': option.whole('COUNT', 64, 1, 'small calls in flight'),
  'blob-mib': option.whole('MIB', 64, 1, 'length of the blob'),
  rounds: common.rounds(9),
  quiet: option.number('SECONDS', 0.5, 0.01, 'how long small calls are recorded without a blob'),
  'warm-up': common.warmUp(2),
  json: common.json,
} as const;

export const mixCommand = command(
  'mix',
  'the latency of small calls with and without a large blob each way',
  options,
  async (values) => {
    const settings: MixSettings = {
      inFlight: values['in-flight'],
      blobBytes: values['blob-mib'] * MIB,
      rounds: values.rounds,
      quietSeconds: values.quiet,
      warmUpSeconds: values['warm-up'],
      judged: true,
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const run = await mix(settings);
    const code = reportMix(settings, run);
    keepRaw(values.json, { command: 'mix', environment, settings, run });
    return code;
  },
);

/** One pair of processes; each round is a period without a blob and one with it, after one of each as warm-up. */
export function mix(settings: MixSettings): Promise<MixRun> {
  const { inFlight, blobBytes, quietSeconds, warmUpSeconds, rounds, pinning } = settings;
  const quietMs = quietSeconds * 1000;
  return withSides(
    {
      server: mixServer(),
      client: (port) => mixClient({ port, inFlight, blobBytes, quietMs }),
      pinning,
    },
    async ({ client }) => {
      await new Promise((resolve) => void setTimeout(resolve, warmUpSeconds * 1000));
      const done: MixRound[] = [];
      let last: (Mark & MixExtra) | null = null;
      for (let round = -1; round < rounds; round++) {
        const quiet = await client.act('quiet', ACT_MS_MAX);
        last = await client.act('blob', ACT_MS_MAX);
        if (round < 0) continue;
        done.push({ quiet: said(quiet.latency, 'latency'), blob: said(last.latency, 'latency') });
      }
      return { rounds: done, problem: problemOf(last as Mark) };
    },
  );
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportMix(settings: MixSettings, { rounds, problem }: MixRun): number {
  if (problem !== null) {
    console.log(`FAILED: ${problem}`);
    return 1;
  }
  const { inFlight, blobBytes, judged } = settings;
  const of = (which: keyof MixRound, figure: keyof Latency): number =>
    median(rounds.map((round) => round[which][figure]));
  const row = (title: string, which: keyof MixRound): string[] => [
    title,
    whole((of(which, 'calls') / of(which, 'ms')) * 1000),
    whole(of(which, 'p50Us')),
    whole(of(which, 'p99Us')),
    fixed(of(which, 'ms'), 0),
  ];
  const size = `${blobBytes / MIB} MiB`;
  console.log(
    `${inFlight} small calls in flight, one connection; medians of ${rounds.length} rounds; answers checked\n`,
  );
  const head = ['small calls', 'calls/s', 'p50 us', 'p99 us', 'ms'];
  console.log(table([head, row('alone', 'quiet'), row(`with a blob of ${size} each way`, 'blob')], 1));
  const ratios = rounds.map(({ quiet, blob }) => blob.p99Us / quiet.p99Us);
  const value = median(ratios);
  const mibPerSecond = (2 * blobBytes) / MIB / (of('blob', 'ms') / 1000);
  console.log(`\nthe blobs: ${whole(mibPerSecond)} MiB/s, both ways together`);
  const span = `${fixed(Math.min(...ratios), 2)} to ${fixed(Math.max(...ratios), 2)}`;
  console.log(`p99 with the blob by p99 without: ${fixed(value, 2)} (${span})`);
  if (judged)
    console.log(`target ${value <= RATIO_MAX ? 'met' : 'MISSED'}: p99 at most ${RATIO_MAX} x: ${fixed(value, 2)}`);
  return 0;
}
