/**
 * A random choice by weight: Walker's alias method as Vose builds it, so that one random number and two reads choose among any number.
 * Used by `leastLoaded`.
 */
export class WeightedChoice {
  private readonly count: number;
  /** Null when all weights are the same. */
  private readonly keep: Float64Array | null;
  private readonly alias: Uint32Array;

  /** Each weight is more than 0. */
  constructor(
    weights: readonly number[],
    private readonly random: () => number,
  ) {
    this.count = weights.length;
    this.alias = new Uint32Array(this.count);
    const even = weights.every((weight) => weight === weights[0]);
    this.keep = even ? null : this.build(weights);
  }

  /** An index. */
  one(): number {
    const at = this.random() * this.count;
    const index = Math.floor(at);
    if (this.keep === null || at - index < this.keep[index]) return index;
    return this.alias[index];
  }

  /** Another index than `first`; there are at least two. */
  other(first: number): number {
    // By weight first; where one weight outdoes the rest this would take long, so at last any other.
    if (this.keep !== null) {
      for (let i = 0; i < 4; i++) {
        const second = this.one();
        if (second !== first) return second;
      }
    }
    const second = Math.floor(this.random() * (this.count - 1));
    return second < first ? second : second + 1;
  }

  private build(weights: readonly number[]): Float64Array {
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / this.count;
    const keep = Float64Array.from(weights, (weight) => weight / mean);
    const small: number[] = [];
    const large: number[] = [];
    for (const [index, share] of keep.entries()) (share < 1 ? small : large).push(index);
    while (small.length > 0 && large.length > 0) {
      const less = small[small.length - 1];
      small.pop();
      const more = large[large.length - 1];
      this.alias[less] = more;
      keep[more] = keep[more] - (1 - keep[less]);
      if (keep[more] >= 1) continue;
      large.pop();
      small.push(more);
    }
    for (const index of [...small, ...large]) keep[index] = 1;
    return keep;
  }
}
