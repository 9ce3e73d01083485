/**
 * Randomness that one number repeats: for simulations, and for tests of whatever kind.
 */

/** sfc32 by Chris Doty-Humphrey, its 128 bits of state filled from a 32-bit seed. */
export class Random {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#a = 0x9e3779b9 ^ this.seed;
    this.#b = Math.imul(this.seed, 0x85ebca6b);
    this.#c = this.seed;
    for (let i = 0; i < 15; i++) this.u32();
  }

  /** Another source of its own, which `name` tells from others: what is drawn from one does not move the other. */
  fork(name: string): Random {
    let mixed = this.seed;
    for (let i = 0; i < name.length; i++) mixed = Math.imul(mixed ^ name.charCodeAt(i), 0x0100_0193);
    return new Random(Math.imul(mixed ^ (mixed >>> 15), 0x9e37_79b1) ^ name.length);
  }

  /** A whole number from 0 to 2^32 - 1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 inclusive to 1 exclusive, as `Math.random`. */
  unit(): number {
    return this.u32() / 2 ** 32;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `times` on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error('nothing to pick from');
    return choices[this.below(choices.length)];
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let i = 0; i < count; i++) bytes[i] = this.u32() >>> 24;
    return bytes;
  }

  /** Sizes of `total` things cut into pieces of 1 to `pieceMax`. */
  pieces(total: number, pieceMax: number): number[] {
    const sizes: number[] = [];
    for (let rest = total; rest > 0; ) {
      const size = Math.min(rest, this.between(1, pieceMax));
      sizes.push(size);
      rest -= size;
    }
    return sizes;
  }

  /** A new array with the same elements in another order. */
  shuffled<T>(elements: readonly T[]): T[] {
    const order = [...elements];
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const moved = order[i];
      order[i] = order[j];
      order[j] = moved;
    }
    return order;
  }
}
