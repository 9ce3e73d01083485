/**
 * Each endpoint in turn, as often as its weight says, evenly mixed: the one whose next turn is due first goes first, and its next turn
 * comes 1/weight later (earliest deadline first, as Envoy's weighted round robin). Where each begins is left to chance, so that
 * many clients that start together do not all ask the same endpoint.
 */
import type { Attempt } from '../base/codes.js';
import { type Balancer, type Candidate, isAvoided, OnlyOne, type Picker } from './picker.js';

export const roundRobin: Balancer = (candidates, { random }) =>
  candidates.length === 1 ? new OnlyOne(candidates[0]) : new RoundRobin(candidates, random);

interface Turn<C> {
  readonly candidate: C;
  readonly step: number;
  due: number;
}

class RoundRobin<C extends Candidate> implements Picker<C> {
  /** A binary heap by `due`. */
  private readonly heap: Turn<C>[];

  constructor(candidates: readonly C[], random: () => number) {
    this.heap = candidates
      .map((candidate) => ({ candidate, step: 1 / candidate.weight, due: random() / candidate.weight }))
      .sort((a, b) => a.due - b.due);
  }

  pick(_key: string | undefined, avoid: readonly Attempt[] | undefined): C {
    const first = this.next();
    if (avoid === undefined || avoid.length === 0 || !isAvoided(first, avoid)) return first;
    // A retry is rare: it may look at all.
    const rest = this.heap.filter(({ candidate }) => !isAvoided(candidate, avoid)).sort((a, b) => a.due - b.due);
    return rest[0]?.candidate ?? first;
  }

  private next(): C {
    const top = this.heap[0];
    top.due += top.step;
    this.sink(top);
    return top.candidate;
  }

  /** The first has become later: moves it down to where it belongs. */
  private sink(turn: Turn<C>): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1].due < heap[below].due) below++;
      const lower = heap[below];
      if (lower.due >= turn.due) break;
      heap[at] = lower;
      at = below;
    }
    heap[at] = turn;
  }
}
