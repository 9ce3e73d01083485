/**
 * Commands of the bench and their options. A command declares each option once, with what it takes, its default and a line of help; parsing,
 * checks and `--help` follow from that. A value that makes no sense is a `UsageError`, and nothing runs.
 */
import { parseArgs } from 'node:util';

export class UsageError extends Error {}

export interface Option<T> {
  /** What it takes, with the unit: `SECONDS`, `COUNT`, `sync|async`. */
  readonly takes: string;
  /** As text; null: the option may be left out. */
  readonly preset: string | null;
  /** How `--help` shows the default, where it is not as text. */
  readonly shown?: string;
  readonly help: string;
  /** Throws a `UsageError` that names the option. */
  readonly read: (given: string, name: string) => T;
}

/** Options by name, without the dashes before it. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;
/** An option without a default is null when it is not given. */
export type Values<O extends OptionTable> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

/** A number of at least `min`. */
function number(takes: string, preset: number, min: number, help: string): Option<number> {
  return { takes, preset: String(preset), help, read: (text, name) => numberOf(text, name, min) };
}

function whole(takes: string, preset: number, min: number, help: string): Option<number> {
  return {
    takes,
    preset: String(preset),
    help,
    read: (text, name) => wholeOf(text, name, min, Number.MAX_SAFE_INTEGER),
  };
}

/** Whole numbers with commas between them: `1,64,512`. */
function wholes(takes: string, preset: readonly number[], min: number, max: number, help: string): Option<number[]> {
  const read = (given: string, name: string): number[] => wholesIn(given, name, min, max);
  return { takes: `${takes},...`, preset: preset.join(','), help, read };
}

/** The whole numbers in the text of the option `name`. Throws a `UsageError` that names it. */
export function wholesIn(given: string, name: string, min: number, max: number): number[] {
  return given.split(',').map((part) => wholeOf(part, name, min, max));
}

function oneOf<T extends string>(choices: readonly T[], preset: T, help: string): Option<T> {
  return { takes: choices.join('|'), preset, help, read: (text, name) => choiceOf(text, name, choices) };
}

/** Some of `choices` with commas between them. */
function listOf<T extends string>(choices: readonly T[], preset: readonly T[], help: string): Option<T[]> {
  return {
    takes: 'NAME,...',
    preset: preset.join(','),
    shown: preset.length === choices.length ? 'all' : preset.join(','),
    help: `${help}: ${choices.join(', ')}`,
    read: (given, name) => given.split(',').map((part) => choiceOf(part, name, choices)),
  };
}

function yesOrNo(preset: 'yes' | 'no', help: string): Option<boolean> {
  return { takes: 'yes|no', preset, help, read: (text, name) => choiceOf(text, name, ['yes', 'no']) === 'yes' };
}

function text(takes: string, preset: string, help: string): Option<string> {
  return { takes, preset, help, read: (given) => given };
}

/** Null when it is not given. */
function optionalText(takes: string, help: string): Option<string | null> {
  return { takes, preset: null, help, read: (given) => given };
}

/** Options of every kind. */
export const option = { number, whole, wholes, oneOf, listOf, yesOrNo, text, optionalText } as const;

/** Options that many commands have. */
export const common = {
  rounds: (preset: number) => whole('COUNT', preset, 1, 'how often each case is measured; figures are medians'),
  seconds: (preset: number, min = 0.1) => number('SECONDS', preset, min, 'how long a case is measured in a round'),
  warmUp: (preset: number, min = 0) => number('SECONDS', preset, min, 'how long a case runs before it is measured'),
  inFlight: (preset: readonly number[], max: number) => wholes('COUNT', preset, 1, max, 'calls in flight, each a case'),
  json: optionalText('FILE', 'keep the raw results, with the environment'),
  cpuProf: optionalText('FOLDER', 'write a CPU profile of each side of each case; the figures are then not comparable'),
} as const;

export function parseOptions<O extends OptionTable>(options: O, args: readonly string[]): Values<O> {
  const types = Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' as const }]));
  let given: Record<string, unknown>;
  try {
    given = parseArgs({ args: [...args], options: types, allowPositionals: false, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const values = Object.entries(options).map(([name, { preset, read }]) => {
    const value = given[name] ?? preset;
    return [name, typeof value === 'string' ? read(value, name) : null];
  });
  return Object.fromEntries(values) as Values<O>;
}

export interface Command {
  readonly name: string;
  /** One line: what it measures. */
  readonly summary: string;
  /** What `--help` prints. */
  help(): string;
  /** Resolves with the exit code. Rejects with a `UsageError` before anything ran. */
  run(args: readonly string[]): Promise<number>;
}

export function command<const O extends OptionTable>(
  name: string,
  summary: string,
  options: O,
  run: (values: Values<O>) => Promise<number>,
): Command {
  return {
    name,
    summary,
    help: () => [`npm run bench -- ${name} [options]`, `  ${summary}`, ...optionLines(options)].join('\n'),
    run: async (args) => run(parseOptions(options, args)),
  };
}

function optionLines(options: OptionTable): string[] {
  const heads = Object.entries(options).map(([name, { takes }]) => `--${name} ${takes}`);
  const width = Math.max(0, ...heads.map(({ length }) => length));
  return Object.values(options).map(({ help, preset, shown = preset }, index) => {
    const line = `  ${heads[index]?.padEnd(width)}  ${help}`;
    return shown === null ? line : `${line} (default: ${shown})`;
  });
}

function numberOf(given: string, name: string, min: number): number {
  const value = Number(given);
  if (given.trim() === '' || !(value >= min) || !Number.isFinite(value)) {
    throw new UsageError(`--${name} takes a number of at least ${min}, not ${JSON.stringify(given)}`);
  }
  return value;
}

function wholeOf(given: string, name: string, min: number, max: number): number {
  const value = numberOf(given, name, min);
  if (!Number.isInteger(value) || value > max) {
    const most = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
    throw new UsageError(`--${name} takes a whole number of ${most}, not ${given}`);
  }
  return value;
}

function choiceOf<T extends string>(given: string, name: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === given);
  if (choice === undefined) throw new UsageError(`--${name} takes ${choices.join(', ')}, not ${given}`);
  return choice;
}
