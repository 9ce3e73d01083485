/** What one seed of a simulation, of whichever kind, came to. */
export interface Outcome {
  /** What the seed stood for, to be printed. */
  readonly plan: object;
  /** Stands for everything that happened. */
  readonly hash: string;
  /** What was not as it must be. */
  readonly problems: readonly string[];
  /** How often calls ended in which way: `unary UNAVAILABLE maybe`. */
  readonly outcomes: ReadonlyMap<string, number>;
}
