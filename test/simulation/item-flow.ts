/**
 * The items of one call in one direction: what its source gave, what the other side took, and that it is the same, in order and
 * without a gap. What was given and not taken is all that can be on its way, so it shows how much the engine holds.
 */
import type { VirtualClock } from '../../src/testing/index.js';
import { bodyOf, type Part } from './service.js';

export class ItemFlow {
  given = 0;
  taken = 0;
  /** Sources that have begun and not ended. */
  running = 0;
  /** The most items that were given and not taken. */
  heldMost = 0;

  constructor(
    private readonly id: number,
    private readonly salt: number,
    readonly count: number,
    readonly itemBytes: number,
    private readonly problem: (text: string) => void,
  ) {}

  *source(): Generator<Part> {
    this.running++;
    try {
      while (this.given < this.count) yield this.give();
    } finally {
      this.running--;
    }
  }

  async *sourceLater(clock: VirtualClock, ms: number): AsyncGenerator<Part> {
    this.running++;
    try {
      while (this.given < this.count) {
        if (ms > 0 || this.given % 4 === 0) await clock.sleep(ms);
        yield this.give();
      }
    } finally {
      this.running--;
    }
  }

  give(): Part {
    const index = this.given++;
    this.heldMost = Math.max(this.heldMost, this.given - this.taken);
    return { id: this.id, index, body: bodyOf(this.id, this.salt, this.itemBytes, index) };
  }

  /** The other side has it. */
  take({ id, index, body }: Part): void {
    if (id !== this.id) this.problem(`took an item of call ${id}`);
    else if (index !== this.taken) this.problem(`took item ${index} where ${this.taken} was next`);
    else if (!body.equals(bodyOf(id, this.salt, this.itemBytes, index)))
      this.problem(`item ${index} is not what was sent`);
    this.taken++;
  }
}
