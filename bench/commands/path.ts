/**
 * `bench -- path`: what each step of a call costs, in nanoseconds of either side: the shares of a CPU profile, times the CPU time per
 * call that was measured beside it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCase, problemOf } from '../measure.js';
import { command, common } from '../options.js';
import { type CpuProfile, type Step, sharesOf, steps } from '../path/steps.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { table, whole } from '../report/table.js';

export interface PathSample {
  readonly round: number;
  readonly inFlight: number;
  /** Nanoseconds of CPU time per call. */
  readonly clientNs: number;
  readonly serverNs: number;
  /** The same by step. */
  readonly client: Readonly<Partial<Record<Step, number>>>;
  readonly server: Readonly<Partial<Record<Step, number>>>;
}

export interface PathSettings {
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly pinning: Pinning;
}

const options = {
  'in-flight': common.inFlight([64, 512], 1_000),
  rounds: common.rounds(3),
  seconds: common.seconds(2),
  'warm-up': common.warmUp(1.5),
  json: common.json,
} as const;

export const pathCommand = command('path', 'what each step of a call costs', options, async (values) => {
  const settings: PathSettings = {
    inFlight: values['in-flight'],
    rounds: values.rounds,
    seconds: values.seconds,
    warmUpSeconds: values['warm-up'],
    pinning: findPinning(),
  };
  const environment = describeEnvironment(settings.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const samples = await measurePath(settings);
  console.log(`nanoseconds of CPU time per call; medians of ${settings.rounds} rounds of ${settings.seconds} s\n`);
  console.log(pathTable(samples, settings.inFlight));
  keepRaw(values.json, { command: 'path', environment, settings, samples });
  return 0;
});

export async function measurePath(settings: PathSettings): Promise<PathSample[]> {
  const samples: PathSample[] = [];
  for (let round = 0; round < settings.rounds; round++) {
    for (const inFlight of settings.inFlight) samples.push(await profileOnce(settings, round, inFlight));
  }
  return samples;
}

async function profileOnce(settings: PathSettings, round: number, inFlight: number): Promise<PathSample> {
  const { pinning, seconds, warmUpSeconds } = settings;
  const contender = 'engine';
  const times = { seconds, warmUpSeconds };
  // The profiler itself takes time, so the time comes from a run without it.
  const plain = await measureCase({ contender, handler: 'sync', inFlight, pinning, profileFolder: null, ...times });
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-path-'));
  try {
    const profiled = await measureCase({
      contender,
      handler: 'sync',
      inFlight,
      pinning,
      profileFolder: folder,
      ...times,
    });
    const problem = problemOf(plain) ?? problemOf(profiled);
    if (problem !== null) throw new Error(`${inFlight} in flight: ${problem}`);
    const ofSide = (side: 'client' | 'server', ns: number): Partial<Record<Step, number>> => {
      const text = readFileSync(join(folder, `${contender}-${inFlight}-${side}.cpuprofile`), 'utf8');
      const shares = sharesOf(JSON.parse(text) as CpuProfile, seconds);
      return Object.fromEntries([...shares].map(([step, share]) => [step, share * ns]));
    };
    const clientNs = plain.clientUs * 1_000;
    const serverNs = plain.serverUs * 1_000;
    return {
      round,
      inFlight,
      clientNs,
      serverNs,
      client: ofSide('client', clientNs),
      server: ofSide('server', serverNs),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function pathTable(samples: readonly PathSample[], inFlight: readonly number[]): string {
  const head = ['step', ...inFlight.flatMap((calls) => [`caller, ${calls}`, `callee, ${calls}`])];
  const row = (name: string, of: (sample: PathSample, side: 'client' | 'server') => number): string[] => [
    name,
    ...inFlight.flatMap((calls) =>
      (['client', 'server'] as const).map((side) => {
        const values = samples.filter((sample) => sample.inFlight === calls).map((sample) => of(sample, side));
        return whole(median(values));
      }),
    ),
  ];
  const rows = steps.map((step) => row(step, (sample, side) => sample[side][step] ?? 0));
  const sum = row('sum', (sample, side) => (side === 'client' ? sample.clientNs : sample.serverNs));
  return table([head, ...rows.filter((cells) => cells.slice(1).some((cell) => cell !== '0')), sum], 1);
}
