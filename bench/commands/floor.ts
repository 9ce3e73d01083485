/**
 * `bench -- floor`: the engine, the floor program and avsc's own RPC on the canonical workload, in turns, round by round. Prints
 * CPU per call of both sides, calls/s, and the engine's ratio to each of the others.
 */

import { mkdirSync } from 'node:fs';
import type { HandlerKind } from '../contenders/contender.js';
import { type ContenderName, contendersOf, titles } from '../contenders/names.js';
import { measureCase, problemOf, type Sample } from '../measure.js';
import { Options } from '../options.js';
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

export const floorUsage = `floor [--in-flight 1,64,512] [--rounds 3] [--seconds 3] [--warm-up 1.5] [--handler sync|async]
        [--contenders engine,floor,avsc-rpc,avsc-rpc-corked] [--json FILE] [--cpu-prof FOLDER]`;

export async function floorCommand(args: readonly string[]): Promise<number> {
  const options = new Options(args, {
    'in-flight': '1,64,512',
    rounds: '3',
    seconds: '3',
    'warm-up': '1.5',
    handler: 'sync',
    contenders: 'engine,floor,avsc-rpc,avsc-rpc-corked',
    json: null,
    'cpu-prof': null,
  });
  const settings: FloorSettings = {
    contenders: contendersOf(options.text('contenders') ?? ''),
    inFlight: options.wholes('in-flight', 1, IN_FLIGHT_MAX),
    rounds: options.whole('rounds', 1),
    seconds: options.number('seconds', 0.1),
    warmUpSeconds: options.number('warm-up', 0),
    handler: options.oneOf('handler', ['sync', 'async']),
    pinning: findPinning(),
    profileFolder: options.text('cpu-prof'),
  };
  if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
  const environment = describeEnvironment(settings.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const samples = await compare(settings);
  const code = report(settings, samples);
  keepRaw(options.text('json'), { command: 'floor', environment, settings, samples });
  return code;
}

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
