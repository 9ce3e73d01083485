/** Options of the bench's commands. A value that makes no sense is a `UsageError`, and nothing runs. */
import { parseArgs } from 'node:util';

export class UsageError extends Error {}

/** Options of one command, each with its default as text, or null for one that may be left out. */
export type OptionDefaults = Readonly<Record<string, string | null>>;

export class Options {
  private readonly values: Readonly<Record<string, string | undefined>>;

  constructor(args: readonly string[], defaults: OptionDefaults) {
    const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }]));
    try {
      const { values } = parseArgs({ args: [...args], options, allowPositionals: false, strict: true });
      const given = values as Record<string, string | undefined>;
      this.values = Object.fromEntries(
        Object.entries(defaults).map(([name, value]) => [name, given[name] ?? value ?? undefined]),
      );
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  }

  /** The text of an option that may be left out. */
  text(name: string): string | null {
    return this.values[name] ?? null;
  }

  /** A number of at least `min`. */
  number(name: string, min: number): number {
    return this.parse(name, this.values[name] ?? '', min);
  }

  whole(name: string, min: number): number {
    const value = this.number(name, min);
    if (!Number.isInteger(value)) throw new UsageError(`--${name} takes a whole number, not ${value}`);
    return value;
  }

  /** Whole numbers with commas between them: `1,64,512`. */
  wholes(name: string, min: number, max: number): number[] {
    return (this.values[name] ?? '').split(',').map((text) => {
      const value = this.parse(name, text, min);
      if (!Number.isInteger(value) || value > max)
        throw new UsageError(`--${name} takes whole numbers from ${min} to ${max}`);
      return value;
    });
  }

  /** Some of `choices` with commas between them. */
  listOf<T extends string>(name: string, choices: readonly T[]): T[] {
    return (this.values[name] ?? '').split(',').map((text) => {
      const choice = choices.find((candidate) => candidate === text);
      if (choice === undefined) throw new UsageError(`--${name} takes ${choices.join(', ')}, not ${text}`);
      return choice;
    });
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.values[name];
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw new UsageError(`--${name} takes ${choices.join(' or ')}, not ${value}`);
    return choice;
  }

  private parse(name: string, text: string, min: number): number {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min) || !Number.isFinite(value)) {
      throw new UsageError(`--${name} takes a number of at least ${min}, not ${JSON.stringify(text)}`);
    }
    return value;
  }
}
