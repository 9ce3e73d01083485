/**
 * `bench -- checksums`: the engine with checksums off, computed in JavaScript, and computed by the addon where it was built, in turns.
 * Prints CPU per call and its ratios to the engine without.
 */
import { nativeStatus } from '../../src/base/native.js';
import { type ContenderName, titles } from '../contenders/names.js';
import { problemOf, type Sample } from '../measure.js';
import { command, common } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { medians, ratio, samplesOf } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { compare, type FloorSettings } from './floor.js';

/** CPU per call against the engine without checksums. */
const ratioMax: Partial<Record<ContenderName, number>> = {
  'engine-checksums-addon': 1.05,
  'engine-checksums-twin': 1.2,
};
const IN_FLIGHT_MAX = 1000;

const options = {
  'in-flight': common.inFlight([64, 512], IN_FLIGHT_MAX),
  rounds: common.rounds(7),
  seconds: common.seconds(1.5),
  'warm-up': common.warmUp(1),
  json: common.json,
} as const;

export const checksumsCommand = command(
  'checksums',
  'what checksums cost, by the addon and by its twin: CPU per call',
  options,
  async (values) => {
    const settings: FloorSettings = {
      contenders: checksumContenders(),
      inFlight: values['in-flight'],
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      handler: 'sync',
      pinning: findPinning(),
      profileFolder: null,
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await compare(settings);
    const code = reportChecksums(settings, samples, true);
    keepRaw(values.json, { command: 'checksums', environment, settings, samples });
    return code;
  },
);

/** With the addon where there is one. */
export function checksumContenders(): ContenderName[] {
  const { kernels } = nativeStatus();
  return ['engine', 'engine-checksums-twin', ...(kernels === null ? [] : (['engine-checksums-addon'] as const))];
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportChecksums(settings: FloorSettings, samples: readonly Sample[], judged: boolean): number {
  for (const sample of samples) {
    const problem = problemOf(sample);
    if (problem === null) continue;
    console.log(`FAILED: ${titles[sample.contender]}, ${sample.inFlight} in flight: ${problem}`);
    return 1;
  }
  const { rounds, seconds, contenders, inFlight } = settings;
  console.log(`medians of ${rounds} rounds of ${seconds} s, one connection; all answers checked\n`);
  const rows = [['in flight', 'program', 'calls/s', 'client us', 'server us', 'CPU us/call', 'CPU x', 'calls/s x']];
  const targets: string[] = [];
  for (const calls of inFlight) {
    const off = samplesOf(samples, 'engine', calls);
    for (const contender of contenders) {
      const own = samplesOf(samples, contender, calls);
      const { perSecond, clientUs, serverUs, sumUs } = medians(own);
      const figures = [whole(perSecond), fixed(clientUs, 3), fixed(serverUs, 3), fixed(sumUs, 3)];
      const most = ratioMax[contender];
      const cpu = ratio(own, off, 'sumUs');
      const against = most === undefined ? ['', ''] : [fixed(cpu, 3), fixed(ratio(own, off, 'perSecond'), 3)];
      rows.push([contender === 'engine' ? String(calls) : '', titles[contender], ...figures, ...against]);
      if (most === undefined) continue;
      const verdict = cpu <= most ? 'met' : 'MISSED';
      targets.push(
        `target ${verdict}: CPU per call, ${titles[contender]}, ${calls} in flight, at most ${most} x: ${fixed(cpu, 3)}`,
      );
    }
  }
  console.log(table(rows, 2));
  const { kernels, text } = nativeStatus();
  console.log(kernels === null ? `\nskipped: the addon: ${text} (npm run build:native)` : `\nthe addon: ${text}`);
  if (judged) console.log(targets.join('\n'));
  return 0;
}
