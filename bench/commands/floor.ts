/**
 * `bench -- floor`: the engine, the floor program and avsc's own RPC on the canonical workload, in turns, round by round. Prints
 * CPU per call of both sides, calls/s, and the engine's ratio to each of the others.
 */

import { mkdirSync } from 'node:fs';
import type { HandlerKind } from '../contenders/contender.js';
import { type ContenderName, contenderNames, titles } from '../contenders/names.js';
import { measureCase, problemOf, type Sample } from '../measure.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { comparisonTable, targetLines } from '../report/comparison.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { inRounds } from '../rounds.js';

export interface FloorSettings {
  readonly contenders: readonly ContenderName[];
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly handler: HandlerKind;
  readonly pinning: Pinning;
  readonly profileFolder: string | null;
}

/** The engine's default for calls in flight: beyond it calls would only wait in the client. */
const IN_FLIGHT_MAX = 1000;
/** Shorter runs are mostly warm-up: no target is judged by them. */
const SECONDS_JUDGED_MIN = 1;

const options = {
  'in-flight': common.inFlight([1, 64, 512], IN_FLIGHT_MAX),
  rounds: common.rounds(3),
  seconds: common.seconds(3),
  'warm-up': common.warmUp(1.5),
  handler: option.oneOf(['sync', 'async'], 'sync', 'whether handlers return their answer or are async functions'),
  contenders: option.listOf(contenderNames, ['engine', 'floor', 'avsc-rpc', 'avsc-rpc-corked'], 'contenders'),
  json: common.json,
  'cpu-prof': common.cpuProf,
} as const;

export const floorCommand = command(
  'floor',
  "the engine, the floor program and avsc's own RPC: CPU per call, calls/s",
  options,
  async (values) => {
    const settings: FloorSettings = {
      contenders: values.contenders,
      inFlight: values['in-flight'],
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      handler: values.handler,
      pinning: findPinning(),
      profileFolder: values['cpu-prof'],
    };
    if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await compare(settings);
    const code = report(settings, samples);
    keepRaw(values.json, { command: 'floor', environment, settings, samples });
    return code;
  },
);

/** Measures every contender at every load, in rounds. */
export function compare(settings: FloorSettings): Promise<Sample[]> {
  const { contenders, inFlight, rounds } = settings;
  const groups = inFlight.map((calls) => contenders.map((contender) => ({ contender, inFlight: calls })));
  return inRounds(
    rounds,
    groups,
    (one) => `${titles[one.contender]}, ${one.inFlight} in flight`,
    (one) => measureCase({ ...settings, ...one }),
  );
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function report(settings: FloorSettings, samples: readonly Sample[]): number {
  const problems = samples.flatMap((sample) => {
    const problem = problemOf(sample);
    return problem === null ? [] : [`${titles[sample.contender]}, ${sample.inFlight} in flight: ${problem}`];
  });
  if (problems.length > 0) {
    console.log(`FAILED\n${problems.join('\n')}`);
    return 1;
  }
  const { rounds, seconds, handler, inFlight, contenders } = settings;
  console.log(`medians of ${rounds} rounds of ${seconds} s, ${handler} handler, one connection; all answers checked\n`);
  console.log(comparisonTable(samples, contenders, inFlight));
  const targets = handler === 'sync' && seconds >= SECONDS_JUDGED_MIN ? targetLines(samples) : [];
  if (targets.length > 0) console.log(`\n${targets.join('\n')}`);
  return 0;
}
