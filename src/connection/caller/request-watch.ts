/**
 * Marks when the kernel has taken the requests of calls that asked for their ledger. A batch that the socket takes at once, which
 * is the usual case, is seen as it is handed over; what stays behind is looked for by a timer. Nothing is watched without such
 * calls. Used by `Caller`.
 */
import type { Timer } from '../../base/clock.js';
import type { CallMarks, NetworkFloor } from '../calls/call-marks.js';
import type { Link } from '../calls/link.js';
import type { CallSlot } from './call-table.js';

/** Between two looks at a socket that does not take everything; more when it has not for long, so that looks stay few. */
const LOOK_MS = 1;
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
    const { call } = entry;
    entry.ledgerCall = call;
    marks.floor = this;
    this.watched.push({ entry, call, marks });
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
    // What is not handed over yet is seen when it is.
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
