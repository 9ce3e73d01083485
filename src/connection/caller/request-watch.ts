/**
 * Marks when the kernel has taken the requests of calls that asked for their ledger. Usually the socket takes a batch at once, which is
 * seen when the batch is handed over; for the rest a timer looks again. Without such calls nothing is watched. Used by `Caller`.
 */
import type { Timer } from '../../base/clock.js';
import type { CallMarks, NetworkFloor } from '../calls/call-marks.js';
import type { Link } from '../calls/link.js';
import type { CallSlot } from './call-table.js';

/** Milliseconds between two looks at a socket that does not take everything. */
const LOOK_MS = 1;
/** The longer a request waits, the longer the pause between two looks: this share of the wait so far. */
const LOOKS_PER_WAIT = 16;

interface Watched {
  readonly entry: CallSlot;
  readonly call: number;
  readonly marks: CallMarks;
}

export class RequestWatch implements NetworkFloor {
  networkMsLeast = Infinity;
  private watched: Watched[] = [];
  private timer: Timer | null = null;

  constructor(private readonly link: Link) {}

  /** The request of the call in this slot was encoded. */
  add(entry: CallSlot, marks: CallMarks): void {
    marks.floor = this;
    this.watched.push({ entry, call: entry.call, marks });
    this.link.queue.onHandedOver = this.look;
    // Its batch may have left before.
    this.look();
  }

  close(): void {
    this.watched = [];
    this.timer?.cancel();
    this.timer = null;
    this.link.queue.onHandedOver = null;
  }

  private readonly look = (): void => {
    const { queue, clock } = this.link;
    const now = clock.now();
    let waitsSince = Infinity;
    let left = 0;
    for (const one of this.watched) {
      const { entry, call, marks } = one;
      if (entry.call !== call) continue;
      if (queue.hasLeft(entry.position)) {
        marks.sentAt = now;
        continue;
      }
      if (queue.isHandedOver(entry.position) || entry.long !== null) waitsSince = Math.min(waitsSince, marks.encodedAt);
      this.watched[left++] = one;
    }
    this.watched.length = left;
    if (left === 0) queue.onHandedOver = null;
    // A batch that was not handed over yet calls `look` when it is.
    if (waitsSince === Infinity || this.timer !== null) return;
    this.timer = clock.setTimer(
      () => {
        this.timer = null;
        this.look();
      },
      Math.max(LOOK_MS, (now - waitsSince) / LOOKS_PER_WAIT),
    );
  };
}
