/**
 * Finds the name that was most likely meant by a misspelt one. For error texts: of options, fields and methods that do not exist.
 */

/** Names longer than this are not compared: the work grows with the product of their lengths. */
const LENGTH_MAX = 64;

/** The candidate that takes the fewest edits to reach, if they are few for its length; undefined otherwise. */
export function nearestName(given: string, candidates: readonly string[]): string | undefined {
  if (given.length > LENGTH_MAX) return undefined;
  let best: string | undefined;
  let bestEdits = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.length > LENGTH_MAX) continue;
    const edits = editsBetween(given.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits && edits <= Math.max(1, Math.floor(candidate.length / 3))) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2] + 1 : replaced;
      row.push(Math.min(last[j] + 1, row[j - 1] + 1, replaced, swapped));
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
