/** A barrier that opens when `count` calls have arrived: proves that they run at once, and fails a run in which they do not. */

export class Together {
  private waiting: (() => void)[] = [];

  constructor(private readonly count: number) {}

  /** Resolves when `count` have arrived; the next ones begin a new round. */
  arrive(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (this.waiting.length < this.count) return;
      for (const open of this.waiting.splice(0)) open();
    });
  }
}
