/**
 * The bytes of a stream's items that are not decoded yet, one behind the other in one buffer: a window full of items of a few
 * bytes each costs their bytes and nothing per item. What comes in is bounded by the stream's window. Used by `IncomingStream`,
 * which knows how long each item is.
 */

/** A buffer of at most so many bytes is kept while nothing is in it. */
const IDLE_BYTES_MAX = 16 * 1024;

const NONE = Buffer.alloc(0);

export class ItemBacklog {
  /** Valid until the next `push`. */
  buffer: Buffer = NONE;
  private head = 0;
  private tail = 0;

  push(from: Buffer, start: number, end: number): void {
    const bytes = end - start;
    if (this.tail + bytes > this.buffer.length) this.makeRoom(bytes);
    from.copy(this.buffer, this.tail, start, end);
    this.tail += bytes;
  }

  /** Where in `buffer` the oldest `bytes` are. They are given away. */
  take(bytes: number): number {
    const start = this.head;
    this.head += bytes;
    return start;
  }

  clear(): void {
    this.buffer = NONE;
    this.head = this.tail = 0;
  }

  private makeRoom(bytes: number): void {
    const { buffer, head, tail } = this;
    const held = tail - head;
    const enough = held * 2 + bytes <= buffer.length && (held > 0 || buffer.length <= IDLE_BYTES_MAX);
    const into = enough ? buffer : Buffer.allocUnsafeSlow(Math.max(1024, 2 * (held + bytes)));
    buffer.copy(into, 0, head, tail);
    this.buffer = into;
    this.head = 0;
    this.tail = held;
  }
}
