/** `bench -- scaling`: what a call of the engine costs as connections, messages, calls in flight, streams and processes grow. */
import { mkdirSync } from 'node:fs';
import { command, common, option, parseOptions, UsageError, type Values, wholesIn } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { type AxisName, axes, axisNames } from '../scaling/axes.js';
import { reportScaling } from '../scaling/report.js';
import { measureScaling, type ScalingSettings } from '../scaling/run.js';

const options = {
  axes: option.listOf(axisNames, axisNames, 'axes'),
  values: option.optionalText('VALUE,...', "values in place of the axis' own; only with one axis"),
  rounds: common.rounds(3),
  seconds: common.seconds(1.2),
  'warm-up': common.warmUp(0.8),
  'work-us': option.whole('US', 50, 1, "what a call of the processes' axis computes"),
  json: common.json,
  'cpu-prof': common.cpuProf,
} as const;

export const scalingCommand = command(
  'scaling',
  'what a call costs as connections, messages, calls in flight, streams and processes grow',
  options,
  async (values) => {
    const { json, ...settings } = settingsOf(values);
    if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await measureScaling(settings);
    const code = reportScaling(settings, samples);
    keepRaw(json, { command: 'scaling', environment, settings, samples });
    return code;
  },
);

export function scalingSettings(args: readonly string[]): ScalingSettings & { readonly json: string | null } {
  return settingsOf(parseOptions(options, args));
}

function settingsOf(values: Values<typeof options>): ScalingSettings & { readonly json: string | null } {
  const names = values.axes;
  return {
    axes: names,
    values: values.values === null ? null : valuesOf(values.values, names),
    rounds: values.rounds,
    seconds: values.seconds,
    warmUpSeconds: values['warm-up'],
    workUs: values['work-us'],
    pinning: findPinning(),
    profileFolder: values['cpu-prof'],
    json: values.json,
  };
}

/** In ascending order, as growth is told by. */
function valuesOf(text: string, names: readonly AxisName[]): number[] {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) throw new UsageError('--values goes with one of --axes');
  return wholesIn(text, 'values', 1, axes[name].max).toSorted((a, b) => a - b);
}
