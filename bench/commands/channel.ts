/**
 * `bench -- channel`: what a call costs more through a channel with one endpoint than on a bare connection, in turns; and what a pick
 * costs with several.
 */
import { pickTasks } from '../micro/picks.js';
import { runTasks } from '../micro/suite.js';
import { Options } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { ratio, samplesOf } from '../report/statistics.js';
import { fixed, table } from '../report/table.js';
import { compare, type FloorSettings, report } from './floor.js';

const CPU_RATIO_MAX = 1.05;
const PICK_NS_MAX = 150;
const IN_FLIGHT_MAX = 1000;
const PICK_RUNS_MIN = 16;
const endpointCounts = [1, 2, 5, 100];

export const channelUsage =
  'channel [--in-flight 64,512] [--rounds 7] [--seconds 2] [--warm-up 1.5] [--pick-ms 300] [--json FILE]';

export async function channelCommand(args: readonly string[]): Promise<number> {
  const options = new Options(args, {
    'in-flight': '64,512',
    rounds: '7',
    seconds: '2',
    'warm-up': '1.5',
    'pick-ms': '300',
    json: null,
  });
  const settings: FloorSettings = {
    contenders: ['engine', 'engine-connection'],
    inFlight: options.wholes('in-flight', 1, IN_FLIGHT_MAX),
    rounds: options.whole('rounds', 1),
    seconds: options.number('seconds', 0.1),
    warmUpSeconds: options.number('warm-up', 0),
    handler: 'sync',
    pinning: findPinning(),
    profileFolder: null,
  };
  const environment = describeEnvironment(settings.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const samples = await compare(settings);
  const code = report(settings, samples);
  if (code !== 0) return code;
  for (const inFlight of settings.inFlight) {
    const cpu = ratio(
      samplesOf(samples, 'engine', inFlight),
      samplesOf(samples, 'engine-connection', inFlight),
      'sumUs',
    );
    const verdict = cpu <= CPU_RATIO_MAX ? 'met' : 'MISSED';
    console.log(
      `target ${verdict}: CPU per call through a channel at ${inFlight} in flight at most ${CPU_RATIO_MAX} x: ${fixed(cpu, 3)}`,
    );
  }
  const picks = await measurePicks(options.number('pick-ms', 1), true);
  keepRaw(options.text('json'), { command: 'channel', environment, settings, samples, picks });
  return 0;
}

/** Prints what picks cost. `judged`: not from runs of a moment. */
export async function measurePicks(ms: number, judged: boolean): Promise<readonly unknown[]> {
  const picks = await runTasks(pickTasks(endpointCounts), { ms, runsMin: PICK_RUNS_MIN });
  const rows = picks.map(({ name, nsPerUnit, errorPercent }) => [
    name,
    `${fixed(nsPerUnit, 1)} ns`,
    `${fixed(errorPercent, 1)} %`,
  ]);
  console.log(`\n${table([['balancer, endpoints', 'median', 'error +-'], ...rows], 1)}`);
  if (!judged) return picks;
  const most = Math.max(...picks.map(({ nsPerUnit }) => nsPerUnit));
  console.log(
    `\ntarget ${most <= PICK_NS_MAX ? 'met' : 'MISSED'}: a pick costs at most ${PICK_NS_MAX} ns: ${fixed(most, 1)}`,
  );
  return picks;
}
