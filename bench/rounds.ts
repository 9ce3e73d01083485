/** The order of measurements. The machine's speed drifts, so no contender may always be the first or the last. */

/** The items from the one whose turn it is: each round begins one further. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const first = items.length === 0 ? 0 : ((round % items.length) + items.length) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** The items forwards in even rounds, backwards in odd ones. */
export function alternated<T>(items: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? items : items.toReversed();
}

/**
 * Measures every item once a round. Items are compared within their group, so groups follow each other and the items of each are rotated.
 * `round` is counted from 0. Says on stderr what comes next.
 */
export async function inRounds<Item, Sample>(
  rounds: number,
  groups: readonly (readonly Item[])[],
  title: (item: Item) => string,
  measure: (item: Item, round: number) => Promise<Sample>,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const item of groups.flatMap((group) => rotated(group, round))) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${title(item)}\n`);
      samples.push(await measure(item, round));
    }
  }
  return samples;
}
