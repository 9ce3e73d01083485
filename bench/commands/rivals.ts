/**
 * `bench -- rivals`: the engine against every rival that this machine can run, in Node and in other languages, and against the
 * floors. Prints a table a case, what was skipped and why, and which of the targets are met.
 */
import { command, common, option, UsageError } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { RivalFigures } from '../rivals/figures.js';
import { nativeRivals } from '../rivals/native.js';
import { nodeRivals } from '../rivals/node-rivals.js';
import { type Probed, probe } from '../rivals/probe.js';
import { type Rival, workloadNames } from '../rivals/rival.js';
import { casesOf, compareRivals, type RivalSample, type RivalSettings } from '../rivals/run.js';
import { caseTable, isEngine } from '../rivals/tables.js';
import { targetLines } from '../rivals/targets.js';

/** The engine's default for calls in flight: beyond it calls would only wait in the client. */
const IN_FLIGHT_MAX = 1000;
/** Shorter runs are mostly warm-up: no target is judged by them. */
const SECONDS_JUDGED_MIN = 1;

const options = {
  rounds: common.rounds(3),
  seconds: common.seconds(1.5),
  'warm-up': common.warmUp(2),
  rivals: option.optionalText('NAME,...', 'some of the rivals; default: all that can run'),
  workloads: option.listOf(workloadNames, workloadNames, 'workloads'),
  'in-flight': common.inFlight([1, 64, 512], IN_FLIGHT_MAX),
  json: common.json,
} as const;

export const rivalsCommand = command(
  'rivals',
  'the engine against every rival that runs here, in Node and in other languages: calls/s, CPU per call',
  options,
  async (values) => {
    const settings: RivalSettings = {
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      workloads: values.workloads,
      inFlight: values['in-flight'],
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const probed = await probe(chosenRivals(values.rivals));
    if (probed.rivals.length === 0) throw new Error(`none of these runs here\n${skippedText(probed)}`);
    const samples = await compareRivals(settings, probed.rivals);
    const code = reportRivals(settings, probed, samples);
    // The command names files of this machine, which say nothing to a reader.
    const rivals = probed.rivals.map(({ name, title, language, floor, setup, workloads, version }) => {
      return { name, title, language, floor, setup, workloads, version };
    });
    keepRaw(values.json, { command: 'rivals', environment, settings, rivals, skipped: probed.skipped, samples });
    return code;
  },
);

/** Those whose names are given; all of them for null. */
export function chosenRivals(names: string | null): Rival[] {
  const all = [...nodeRivals(), ...nativeRivals()];
  if (names === null) return all;
  return names.split(',').map((name) => {
    const known = all.find((rival) => rival.name === name);
    if (known === undefined)
      throw new UsageError(`--rivals takes ${all.map((rival) => rival.name).join(', ')}, not ${name}`);
    return known;
  });
}

/** Prints the result. Returns the exit code: 1 when something was wrong, which then has no figures. */
export function reportRivals(settings: RivalSettings, probed: Probed, samples: readonly RivalSample[]): number {
  const { rounds, seconds } = settings;
  const { rivals, skipped } = probed;
  const figures = new RivalFigures(samples);
  const cases = casesOf(settings);
  console.log(`medians of ${rounds} rounds of ${seconds} s, one connection, all answers checked on both sides\n`);
  for (const one of cases) console.log(`${caseTable(figures, rivals, one)}\n`);
  for (const { title, version, setup } of rivals) console.log(`${title}: ${version}; ${setup}`);
  if (skipped.length > 0) console.log(`\n${skippedText(probed)}`);
  const absent = rivals.flatMap(({ name, title, workloads, floor }) => {
    // The engine and the floors are there in forms of their own for each workload.
    if (floor || isEngine(name)) return [];
    const missing = settings.workloads.filter((workload) => !workloads.includes(workload));
    return missing.length === 0 ? [] : [`${title}: no ${missing.join(', no ')}`];
  });
  if (absent.length > 0) console.log(`\nnot in every table: ${absent.join('; ')}`);
  const targets = seconds >= SECONDS_JUDGED_MIN ? targetLines(figures, rivals) : [];
  if (targets.length > 0) console.log(`\n${targets.join('\n')}`);
  const right = cases.every((one) => rivals.every(({ name }) => figures.problem(name, one) === null));
  return right ? 0 : 1;
}

function skippedText({ skipped }: Probed): string {
  return skipped.map(({ name, why }) => `skipped: ${name}: ${why}`).join('\n');
}
