/** The items of a stream that a test gives out one by one, and ends when it likes. */
export class ItemQueue<T = unknown> implements AsyncIterableIterator<T, undefined> {
  /** Items that were asked for: those that are given and the one that is waited for. */
  asked = 0;
  /** Whoever takes them has ended the iteration. */
  returned = false;
  private readonly items: T[] = [];
  private readonly waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  private ended = false;

  push(...items: readonly T[]): void {
    this.items.push(...items);
    this.serve();
  }

  end(): void {
    this.ended = true;
    this.serve();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.asked++;
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.serve();
    });
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.returned = true;
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private serve(): void {
    const { items, waiting } = this;
    while (waiting.length > 0 && items.length > 0) waiting.shift()?.({ value: items.shift() as T, done: false });
    if (!this.ended) return;
    for (const resolve of waiting.splice(0)) resolve({ value: undefined, done: true });
  }
}
