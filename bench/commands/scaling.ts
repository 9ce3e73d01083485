/** `bench -- scaling`: what a call of the engine costs as connections, messages, calls in flight, streams and processes grow. */
import { mkdirSync } from 'node:fs';
import { Options, UsageError } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { type AxisName, axes, axisNames } from '../scaling/axes.js';
import { reportScaling } from '../scaling/report.js';
import { measureScaling, type ScalingSettings } from '../scaling/run.js';

export const scalingUsage = `scaling [--axes ${axisNames.join(',')}] [--values 1,2,...] [--rounds 3]
        [--seconds 1.2] [--warm-up 0.8] [--work-us 50] [--json FILE] [--cpu-prof FOLDER]`;

export async function scalingCommand(args: readonly string[]): Promise<number> {
  const { json, ...settings } = scalingSettings(args);
  if (settings.profileFolder !== null) mkdirSync(settings.profileFolder, { recursive: true });
  const environment = describeEnvironment(settings.pinning.text);
  console.log(`${environmentText(environment)}\n`);
  const samples = await measureScaling(settings);
  const code = reportScaling(settings, samples);
  keepRaw(json, { command: 'scaling', environment, settings, samples });
  return code;
}

export function scalingSettings(args: readonly string[]): ScalingSettings & { readonly json: string | null } {
  const options = new Options(args, {
    axes: axisNames.join(','),
    values: null,
    rounds: '3',
    seconds: '1.2',
    'warm-up': '0.8',
    'work-us': '50',
    json: null,
    'cpu-prof': null,
  });
  const names = axesOf(options.text('axes') ?? '');
  return {
    axes: names,
    values: options.text('values') === null ? null : valuesOf(options, names),
    rounds: options.whole('rounds', 1),
    seconds: options.number('seconds', 0.1),
    warmUpSeconds: options.number('warm-up', 0),
    workUs: options.whole('work-us', 1),
    pinning: findPinning(),
    profileFolder: options.text('cpu-prof'),
    json: options.text('json'),
  };
}

function axesOf(text: string): AxisName[] {
  return text.split(',').map((name) => {
    const known = axisNames.find((candidate) => candidate === name);
    if (known === undefined) throw new UsageError(`--axes takes ${axisNames.join(', ')}, not ${name}`);
    return known;
  });
}

/** In ascending order, as growth is told by. */
function valuesOf(options: Options, names: readonly AxisName[]): number[] {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) throw new UsageError('--values goes with one of --axes');
  return options.wholes('values', 1, axes[name].max).toSorted((a, b) => a - b);
}
