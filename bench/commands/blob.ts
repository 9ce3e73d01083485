/**
 * `bench -- blob`: an echo of 64 KiB, 16 in flight: the engine's blob lane, the engine's raw bytes as unary messages, and a framed
 * echo on node:net without an engine, in turns.
 */
import { mkdirSync } from 'node:fs';
import type { ContenderName } from '../contenders/names.js';
import { titles } from '../contenders/names.js';
import { problemOf, type Sample } from '../measure.js';
import { command, common, option } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { medians, ratio, samplesOf } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { compare, type FloorSettings } from './floor.js';

const RATIO_MIN = 0.95;
export const blobContenders: readonly ContenderName[] = ['engine-blob', 'engine-bytes', 'framed-echo'];

const options = {
  'in-flight': option.whole('COUNT', 16, 1, 'echoes in flight'),
  rounds: common.rounds(5),
  seconds: common.seconds(2),
  'warm-up': common.warmUp(1.5),
  json: common.json,
  'cpu-prof': common.cpuProf,
} as const;

export const blobCommand = command(
  'blob',
  'an echo of 64 KiB against a framed echo on node:net: echoes/s',
  options,
  async (values) => {
    const settings: FloorSettings = {
      contenders: blobContenders,
      inFlight: [values['in-flight']],
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      handler: 'sync',
      pinning: findPinning(),
      profileFolder: values['cpu-prof'],
    };
    if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await compare(settings);
    const code = reportBlobs(settings, samples, true);
    keepRaw(values.json, { command: 'blob', environment, settings, samples });
    return code;
  },
);

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportBlobs(settings: FloorSettings, samples: readonly Sample[], judged: boolean): number {
  for (const sample of samples) {
    const problem = problemOf(sample);
    if (problem === null) continue;
    console.log(`FAILED: ${titles[sample.contender]}: ${problem}`);
    return 1;
  }
  const { rounds, seconds, contenders } = settings;
  const inFlight = settings.inFlight[0] as number;
  console.log(
    `64 KiB, ${inFlight} in flight, one connection; medians of ${rounds} rounds of ${seconds} s; answers checked\n`,
  );
  const rival = samplesOf(samples, 'framed-echo', inFlight);
  const rows = [
    ['program', 'echoes/s', 'MiB/s each way', 'client us', 'server us', 'CPU us', 'echoes/s x', 'CPU x', ''],
  ];
  const targets: string[] = [];
  for (const contender of contenders) {
    const own = samplesOf(samples, contender, inFlight);
    const { perSecond, clientUs, serverUs, sumUs } = medians(own);
    const figures = [whole(perSecond), whole(perSecond / 16), fixed(clientUs, 1), fixed(serverUs, 1), fixed(sumUs, 1)];
    if (contender === 'framed-echo') {
      rows.push([titles[contender], ...figures, '', '', '']);
      continue;
    }
    const speed = ratio(own, rival, 'perSecond');
    const cpu = ratio(own, rival, 'sumUs');
    rows.push([titles[contender], ...figures, fixed(speed, 3), fixed(cpu, 3), speed >= 1 ? 'won' : 'lost']);
    const met = speed >= RATIO_MIN ? 'met' : 'MISSED';
    targets.push(`target ${met}: ${titles[contender]}: at least ${RATIO_MIN} x framed echo: ${fixed(speed, 3)}`);
  }
  console.log(table(rows, 1));
  if (judged) console.log(`\n${targets.join('\n')}`);
  return 0;
}
