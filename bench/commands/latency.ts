/** `bench -- latency`: latency of calls at a fixed arrival rate, of the engine and of its rivals. */
import { latencyContenders } from '../latency/contenders.js';
import { reportLatencies } from '../latency/report.js';
import { type LatencySettings, measureLatencies } from '../latency/run.js';
import { command, common, option, parseOptions, type Values } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { probe } from '../rivals/probe.js';
import type { Rival } from '../rivals/rival.js';

const options = {
  rivals: option.optionalText('NAME,...|none', 'some of the others; default: all that can run'),
  percent: option.wholes('PERCENT', [25, 50, 75, 90], 1, 100, "rates, by the engine's peak"),
  rounds: common.rounds(3),
  seconds: common.seconds(3),
  'rivals-seconds': option.number('SECONDS', 1, 0.1, 'how long the others are measured at each rate'),
  'peak-seconds': option.number('SECONDS', 1, 0.1, 'how long the peak is measured'),
  'warm-up': common.warmUp(1),
  callers: option.whole('COUNT', 512, 1, 'callers of the closed loop that finds the peak'),
  outstanding: option.whole('COUNT', 1000, 1, 'calls that are outstanding at most'),
  json: common.json,
} as const;

export const latencyCommand = command(
  'latency',
  'how long calls take that come at a fixed rate: p50 to p99.99, beside others',
  options,
  async (values) => {
    const { json, others: chosen, ...rest } = settingsOf(values);
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
  },
);

/** The options that `latencySettings` reads. Which rivals are installed is checked later. */
interface Asked extends LatencySettings {
  readonly others: readonly Rival[];
  readonly json: string | null;
}

export function latencySettings(args: readonly string[]): Asked {
  return settingsOf(parseOptions(options, args));
}

function settingsOf(values: Values<typeof options>): Asked {
  return {
    others: latencyContenders(values.rivals),
    shares: values.percent.map((percent) => percent / 100),
    rounds: values.rounds,
    seconds: values.seconds,
    othersSeconds: values['rivals-seconds'],
    peakSeconds: values['peak-seconds'],
    warmUpSeconds: values['warm-up'],
    callers: values.callers,
    outstandingMax: values.outstanding,
    judged: true,
    pinning: findPinning(),
    json: values.json,
  };
}
