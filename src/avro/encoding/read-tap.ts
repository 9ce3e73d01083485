/**
 * The tap that readers are given: reads the bytes of one message (`byte-tap.ts`) and guards what its compound types claim. A count
 * of items is compared with the bytes that remain before anything is allocated for it or looped over; items that take no bytes
 * count against a budget; an index must be below the number of symbols or branches; records nest only so deep.
 *
 * `decode.ts` owns the taps; the functions of `codec/generated-reads.ts`, `interpreter/reads.ts` and `skippers.ts` call their methods.
 */
import { describeLimit, type LimitHit } from '../../base/limits.js';
import { ByteTap } from './byte-tap.js';

export class ReadTap extends ByteTap {
  /** Records that are open, where the schema lets them nest without a bound. */
  depth = 0;
  /** Array items without a byte of their own that this message has held so far. */
  emptyItems = 0;
  /** Where the block that `readCount` found must end; -1 when it does not say. */
  blockEnd = -1;

  /** Sets the tap to read the message from `start` to `end` of `buf`. */
  override begin(buf: Buffer, start: number, end: number): void {
    super.begin(buf, start, end);
    this.depth = 0;
    this.emptyItems = 0;
  }

  /** Index of an enum's symbol or a union's branch, below `count`. */
  readIndex(count: number): number {
    const at = this.pos;
    const index = this.readSize();
    if (index < 0 || index >= count) this.failIndex(index, count, at);
    return index;
  }

  /**
   * The items of the next block of an array or map, 0 at its end; they must fit in what is left at `bytesMin` each. A negative
   * count means that the block's size in bytes follows, which then is `blockEnd`.
   */
  readCount(bytesMin: number): number {
    let count = this.readSize();
    this.blockEnd = -1;
    if (count < 0) count = this.readBlockEnd(count);
    if (count * bytesMin > this.end - this.pos) this.failCount(count);
    return count;
  }

  /**
   * As `readCount`, for items that take no bytes at all: what is left says nothing about them, so a message may hold only
   * `max`.
   */
  readEmptyCount(max: number): number {
    let count = this.readSize();
    this.blockEnd = -1;
    if (count < 0) count = this.readBlockEnd(count);
    this.emptyItems += count;
    if (this.emptyItems > max) this.failEmptyItems(max);
    return count;
  }

  private readBlockEnd(count: number): number {
    const at = this.pos;
    const size = this.readSize();
    if (size < 0 || size > this.end - this.pos) this.fail(`a block claims ${size} bytes`, at);
    this.blockEnd = this.pos + size;
    return -count;
  }

  /** After the items of a block whose `blockEnd` was not -1. */
  checkBlockEnd(blockEnd: number): void {
    if (this.pos !== blockEnd) this.fail('a block does not end where its size says');
  }

  tooDeep(max: number): never {
    this.failLimit('records nest too deeply', { name: 'depthMax', value: max, setting: "the codec's option depthMax" });
  }

  // Texts of errors.

  private failLimit(text: string, limit: LimitHit): never {
    this.fail(describeLimit(text, limit), this.pos, limit);
  }

  private failIndex(index: number, count: number, at: number): never {
    this.fail(`an index is ${index}, and there are ${count} symbols or branches`, at);
  }

  private failCount(count: number): never {
    this.fail(`a block claims ${count} items, and ${this.end - this.pos} bytes are left`);
  }

  private failEmptyItems(max: number): never {
    const limit = { name: 'emptyItemsMax', value: max, setting: "the codec's option emptyItemsMax" };
    this.failLimit(`arrays claim ${this.emptyItems} items that take no bytes`, limit);
  }
}
