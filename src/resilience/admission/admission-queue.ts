/**
 * The calls of one server that wait for a handler, ordered by when they are due: the earliest is taken first, of equals the one
 * that came first. Nearly every call is due later than those before it, so a sorted array with a moving head is cheaper here than
 * a heap, and unlike a heap it knows how many calls are ahead of one.
 *
 *   calls  |  taken, empty  | due first ...            ... due last |
 *                           ^ head
 *
 * Pure: who is refused is decided by `resilience/admission/admission.ts`, the only user.
 */

/** What one connection has in the queue. */
export class QueueShare {
  waiting = 0;
}

export interface QueuedCall {
  /** When its answer should be there, in milliseconds of the clock. */
  readonly dueAt: number;
  /** What it holds in memory. */
  readonly bytes: number;
  /** Its connection's. */
  readonly share: QueueShare;
  /** Its number among all that came; the queue's own. */
  order: number;
}

/** So many of the last calls are looked through for one that can make room. */
const LOOKED_AT_MAX = 64;
/** Empty places at the front that are worth closing up. */
const EMPTY_MIN = 64;

export class AdmissionQueue<C extends QueuedCall> {
  bytes = 0;
  /** Connections with calls in the queue. */
  shares = 0;
  private calls: (C | undefined)[] = [];
  private head = 0;
  private orders = 0;

  get length(): number {
    return this.calls.length - this.head;
  }

  /** Calls that go before one that comes now and is due at `dueAt`. */
  ahead(dueAt: number): number {
    return this.position(dueAt, this.orders) - this.head;
  }

  add(call: C): void {
    call.order = this.orders++;
    const at = this.position(call.dueAt, call.order);
    if (at === this.calls.length) this.calls.push(call);
    else this.calls.splice(at, 0, call);
    this.bytes += call.bytes;
    if (call.share.waiting++ === 0) this.shares++;
  }

  /** The call that is due first, which is no longer in the queue; undefined: it is empty. */
  take(): C | undefined {
    const call = this.calls[this.head];
    if (call === undefined) return undefined;
    this.calls[this.head++] = undefined;
    if (this.head >= EMPTY_MIN && this.head * 2 >= this.calls.length) {
      this.calls.splice(0, this.head);
      this.head = 0;
    }
    this.forget(call);
    return call;
  }

  /** Takes this call out. False: it is not in the queue. */
  remove(call: C): boolean {
    const at = this.position(call.dueAt, call.order - 1);
    if (this.calls[at] !== call) return false;
    this.calls.splice(at, 1);
    this.forget(call);
    return true;
  }

  /** The call that is due last, or undefined. */
  get last(): C | undefined {
    return this.length === 0 ? undefined : this.calls[this.calls.length - 1];
  }

  /** Of the last calls, the one due last whose connection has more than so many in the queue. */
  lastBeyond(share: number): C | undefined {
    const end = Math.max(this.head, this.calls.length - LOOKED_AT_MAX);
    for (let at = this.calls.length - 1; at >= end; at--) {
      const call = this.calls[at];
      if (call !== undefined && call.share.waiting > share) return call;
    }
    return undefined;
  }

  private forget({ bytes, share }: C): void {
    this.bytes -= bytes;
    if (--share.waiting === 0) this.shares--;
  }

  /** Where the first call stands that goes behind one with these two. */
  private position(dueAt: number, order: number): number {
    const { calls } = this;
    let low = this.head;
    let high = calls.length;
    // The usual case: behind all others.
    if (high > low && !goesBehind(calls[high - 1], dueAt, order)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (goesBehind(calls[middle], dueAt, order)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** `call` is never undefined between the head and the end. */
function goesBehind(call: QueuedCall | undefined, dueAt: number, order: number): boolean {
  if (call === undefined) return false;
  return call.dueAt > dueAt || (call.dueAt === dueAt && call.order > order);
}
