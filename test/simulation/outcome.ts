/** The result of one seed of a simulation, of either kind. */
export interface Outcome {
  /** The plan of the seed, to be printed. */
  readonly plan: object;
  /** A hash of everything that happened. */
  readonly hash: string;
  /** Broken invariants. */
  readonly problems: readonly string[];
  /** How often calls ended in which way: `unary UNAVAILABLE maybe`. */
  readonly outcomes: ReadonlyMap<string, number>;
}
