/**
 * Randomness for tests, repeatable by one number. `withSeed` gives a test body a fresh seed each run (or the one in
 * TRUNKLINE_SEED) and prints it when the body fails.
 */

import { Random } from '../../src/testing/random.js';

export { Random };

/** Where the note about a failed run goes; the test of this file reads it. */
export type SeedNote = (text: string) => void;

const printNote: SeedNote = (text) => process.stderr.write(text);

/** Runs a test body with a `Random`, and says how to repeat it if it throws or rejects. */
export function withSeed<T>(body: (random: Random) => T, note: SeedNote = printNote): T {
  const given = process.env['TRUNKLINE_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
  const fail = (error: unknown): never => {
    note(`random test failed; repeat it with TRUNKLINE_SEED=${seed}\n`);
    throw error;
  };
  try {
    const result = body(new Random(seed));
    return result instanceof Promise ? (result.catch(fail) as T) : result;
  } catch (error) {
    return fail(error);
  }
}
