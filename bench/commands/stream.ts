/**
 * `bench -- stream`: one server stream of the canonical record, read with `batches()` and with `for await`, from a generator and from
 * an async generator, in turns with the floor program. Prints CPU per item of both sides and the ratio to the floor.
 */

import { mkdirSync } from 'node:fs';
import { type Measured, measurePair, problemOf, type Times } from '../measure.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { type Roles, withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { medians, ratio } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { inRounds } from '../rounds.js';
import { type StreamProgramName, streamProgramNames, streamTitles } from '../stream/names.js';
import { streamClient, streamServer } from '../stream/roles.js';

export interface StreamSettings extends Times {
  readonly programs: readonly StreamProgramName[];
  readonly rounds: number;
  readonly pinning: Pinning;
  readonly profileFolder: string | null;
}

export interface StreamSample extends Measured {
  readonly program: StreamProgramName;
}

/** Shorter runs are mostly warm-up: no target is judged by them. */
const SECONDS_JUDGED_MIN = 0.5;
/** CPU per item, as a multiple of the floor's. */
const ratioMax: Readonly<Record<StreamProgramName, number>> = {
  floor: Number.NaN,
  batches: 0.75,
  'batches-async': 1,
  'for-await': 1.6,
  'for-await-async': 1.6,
};

const options = {
  rounds: common.rounds(5),
  seconds: common.seconds(2, 0.05),
  'warm-up': common.warmUp(1.5),
  programs: option.listOf(streamProgramNames, streamProgramNames, 'programs'),
  json: common.json,
  'cpu-prof': common.cpuProf,
} as const;

export const streamCommand = command(
  'stream',
  'one server stream against the floor program: CPU per item',
  options,
  async (values) => {
    const settings: StreamSettings = {
      programs: values.programs,
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      pinning: findPinning(),
      profileFolder: values['cpu-prof'],
    };
    if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await compareStreams(settings);
    const code = reportStreams(settings, samples);
    keepRaw(values.json, { command: 'stream', environment, settings, samples });
    return code;
  },
);

/** Measures every program, in rounds. */
export function compareStreams(settings: StreamSettings): Promise<StreamSample[]> {
  const { programs, rounds, pinning, profileFolder } = settings;
  const measure = async (program: StreamProgramName): Promise<StreamSample> => {
    const roles: Roles = {
      server: streamServer(program),
      client: (port) => streamClient(program, port),
      pinning,
      profileFolder,
      profileName: `stream-${program}`,
    };
    return { program, ...(await withSides(roles, (pair) => measurePair(pair, settings))) };
  };
  return inRounds(rounds, [programs], (program) => streamTitles[program], measure);
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportStreams(settings: StreamSettings, samples: readonly StreamSample[]): number {
  const problems = samples.flatMap((sample) => {
    const problem = problemOf(sample);
    return problem === null ? [] : [`${streamTitles[sample.program]}: ${problem}`];
  });
  if (problems.length > 0) {
    console.log(`FAILED\n${problems.join('\n')}`);
    return 1;
  }
  const { rounds, seconds, programs } = settings;
  console.log(`medians of ${rounds} rounds of ${seconds} s, one stream, one connection; all items checked\n`);
  const of = (name: StreamProgramName): StreamSample[] => samples.filter(({ program }) => program === name);
  const floor = of('floor');
  const rows = [['program', 'items/s', 'client us', 'server us', 'CPU us/item', 'CPU x floor', '', 'items/s x']];
  const targets: string[] = [];
  for (const program of programs) {
    const own = of(program);
    const { perSecond, clientUs, serverUs, sumUs } = medians(own);
    const figures = [whole(perSecond), fixed(clientUs, 3), fixed(serverUs, 3), fixed(sumUs, 3)];
    const against = program === 'floor' || floor.length === 0 ? ['', '', ''] : contest(own, floor);
    rows.push([streamTitles[program], ...figures, ...against]);
    const value = ratio(own, floor, 'sumUs');
    const max = ratioMax[program];
    const met = value <= max ? 'met' : 'MISSED';
    if (max > 0 && floor.length > 0) {
      targets.push(`target ${met}: ${streamTitles[program]}: CPU per item at most ${max} x floor: ${fixed(value, 3)}`);
    }
  }
  console.log(table(rows, 1));
  if (seconds >= SECONDS_JUDGED_MIN && targets.length > 0) console.log(`\n${targets.join('\n')}`);
  return 0;
}

/** Ratios to the floor, with the least and the most of the rounds, which say how far to trust the middle one. */
function contest(own: readonly Measured[], floor: readonly Measured[]): string[] {
  const rounds = own.map(({ sumUs }, index) => sumUs / (floor[index]?.sumUs ?? Number.NaN));
  const span = `${fixed(Math.min(...rounds), 2)} to ${fixed(Math.max(...rounds), 2)}`;
  return [fixed(ratio(own, floor, 'sumUs'), 3), span, fixed(ratio(own, floor, 'perSecond'), 3)];
}
