/**
 * Timers of a virtual clock, by time and, where that is equal, in the order they were set. A cancelled one stays in the heap
 * until it comes to the top, so cancelling costs nothing: nearly every timer of a connection is cancelled.
 *
 * Used by `VirtualClock`.
 */
export class WaitingTimer {
  constructor(
    readonly at: number,
    readonly order: number,
    /** Null once it was cancelled or has run. */
    public callback: (() => void) | null,
    /** Its owner, where that matters. */
    readonly owner: object | null,
  ) {}
}

export class TimerHeap {
  /** Timers that are neither cancelled nor run. */
  live = 0;
  private readonly heap: WaitingTimer[] = [];
  private made = 0;

  add(at: number, callback: () => void, owner: object | null): WaitingTimer {
    const timer = new WaitingTimer(at, this.made++, callback, owner);
    this.live++;
    const { heap } = this;
    let place = heap.length;
    heap.push(timer);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (!isBefore(timer, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = timer;
    return timer;
  }

  cancel(timer: WaitingTimer): void {
    if (timer.callback === null) return;
    timer.callback = null;
    this.live--;
  }

  cancelOf(owner: object): void {
    for (const timer of this.heap) if (timer.owner === owner) this.cancel(timer);
  }

  /** When the next timer is due, Infinity if there is none. */
  get nextAt(): number {
    const { heap } = this;
    while (heap.length > 0 && heap[0]?.callback === null) this.pop();
    return heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Removes the next timer; null if there is none. */
  take(): WaitingTimer | null {
    if (this.nextAt === Number.POSITIVE_INFINITY) return null;
    this.live--;
    return this.pop();
  }

  private pop(): WaitingTimer {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.sink(last);
    return top;
  }

  /** Replaces the top by `timer`. */
  private sink(timer: WaitingTimer): void {
    const { heap } = this;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      const below = heap[child];
      if (!isBefore(below, timer)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = timer;
  }
}

function isBefore(a: WaitingTimer, b: WaitingTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
