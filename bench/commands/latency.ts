/** `bench -- latency`: how long calls take that come at a fixed rate, the engine's beside those of others. */
import { latencyContenders } from '../latency/contenders.js';
import { reportLatencies } from '../latency/report.js';
import { type LatencySettings, measureLatencies } from '../latency/run.js';
import { Options } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { probe } from '../rivals/probe.js';
import type { Rival } from '../rivals/rival.js';

export const latencyUsage = `latency [--rivals avsc-rpc,...|none] [--percent 25,50,75,90] [--rounds 3] [--seconds 3] [--rivals-seconds 1]
        [--peak-seconds 1] [--warm-up 1] [--callers 512] [--outstanding 1000] [--json FILE]`;

export async function latencyCommand(args: readonly string[]): Promise<number> {
  const { json, others: chosen, ...rest } = latencySettings(args);
  const environment = describeEnvironment(rest.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const { rivals, skipped } = await probe(chosen);
  const settings = {
    ...rest,
    others: rivals.map(({ name, title, floor, version }) => ({ name, title, floor, version })),
  };
  const run = await measureLatencies(settings);
  const code = reportLatencies(settings, run);
  for (const { name, why } of skipped) console.log(`skipped: ${name}: ${why}`);
  keepRaw(json, { command: 'latency', environment, settings, skipped, ...run });
  return code;
}

/** What `latencySettings` reads. Who of the others is there is found out later. */
interface Asked extends LatencySettings {
  readonly others: readonly Rival[];
  readonly json: string | null;
}

export function latencySettings(args: readonly string[]): Asked {
  const options = new Options(args, {
    rivals: null,
    percent: '25,50,75,90',
    rounds: '3',
    seconds: '3',
    'rivals-seconds': '1',
    'peak-seconds': '1',
    'warm-up': '1',
    callers: '512',
    outstanding: '1000',
    json: null,
  });
  return {
    others: latencyContenders(options.text('rivals')),
    shares: options.wholes('percent', 1, 100).map((percent) => percent / 100),
    rounds: options.whole('rounds', 1),
    seconds: options.number('seconds', 0.1),
    othersSeconds: options.number('rivals-seconds', 0.1),
    peakSeconds: options.number('peak-seconds', 0.1),
    warmUpSeconds: options.number('warm-up', 0),
    callers: options.whole('callers', 1),
    outstandingMax: options.whole('outstanding', 1),
    judged: true,
    pinning: findPinning(),
    json: options.text('json'),
  };
}
