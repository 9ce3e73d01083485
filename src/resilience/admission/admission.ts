/**
 * Which calls of the peers run now, which wait, and which are refused: one for all connections of a server
 * (spec/decisions/008-admission-by-deadline.md).
 *
 *   REQUEST --open--> handler
 *       \
 *        +-- no free handler, or this turn's time used up --> queue, earliest due first --handler free--> handler
 *                                                              \-- too late, or no room --> FAILURE, started=no, elsewhere
 *
 * Open: calls run at once and nothing waits. Closed: every call goes through the queue, which is served once a turn of the event
 * loop, after the sockets were read, so that deadlines and cancels are seen before handlers run. It stays closed while no handler is
 * free (`executingMax`) or a turn is due.
 *
 * ONEWAY calls cannot be refused. They wait at their connection, which is not read meanwhile, and take turns with the queue.
 */
import type { Clock } from '../../base/clock.js';
import type { Limits } from '../../base/limits.js';
import { AdmissionQueue, type QueuedCall, type QueueShare } from './admission-queue.js';
import { type RefusalReason, Refusals } from './refusals.js';
import { ServicePace, TypicalDuration } from './service-pace.js';
import { TURN_MS, TurnMeter } from './turn-meter.js';

/** A call that waits. */
export interface WaitingCall extends QueuedCall {
  /** What its handlers' usual duration is kept by. */
  readonly method: object;
  /** Its handler runs now. */
  start(now: number): void;
  /** It does not run; `record` says why, as the payload of its FAILURE. */
  refuse(record: Buffer): void;
}

/** How busy a server is. */
export interface ServerLoad {
  /** Handlers that have not ended, those of streams and of cancelled calls included. */
  readonly executing: number;
  /** Calls that wait for a handler, and the bytes they hold. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Calls refused since the server was made, because they could not be answered in time or there was no room for them. */
  readonly refused: number;
  /** Milliseconds from one waiting call being started to the next, while calls wait; 0: none has waited yet. */
  readonly intervalMs: number;
}

/** Share of a call's remaining time that it may wait; the rest is for its handler, its answer, and errors of the estimate. */
const WAIT_SHARE = 0.5;
/** One in this many handlers is timed. */
const ENDS_PER_SAMPLE = 8;
/** After the event loop was too busy, how long it stays watched. */
const WATCH_MS = 10_000;
/** A turn serves the queue for this share of the time that the whole queue needs: newcomers wait behind it anyway. */
const SERVED_SHARE = 1 / 8;
const SERVE_MS_MAX = 25;
/** Calls started in one turn: as many as fit it, found by doubling. */
const BATCH_FIRST = 16;
const BATCH_MAX = 1_024;
const RETRY_MS_MAX = 1_024;

export class Admission {
  /** Calls need not wait. */
  open = true;
  /** Handlers that have not ended. */
  executing = 0;
  /** For `untilLook`, which each call counts down. */
  readonly meter = new TurnMeter();
  private readonly queue = new AdmissionQueue<WaitingCall>();
  private readonly pace = new ServicePace();
  private readonly typical = new WeakMap<object, TypicalDuration>();
  private untilSample = ENDS_PER_SAMPLE;
  /** ONEWAY calls, one per connection: each takes a free handler when it is called. */
  private readonly oneways: (() => void)[] = [];
  private onewayNext = false;
  private refused = 0;
  private readonly refusals: Refusals;
  private turnDue = false;
  private endDue = false;
  private batch = BATCH_FIRST;
  private batchAt = 0;
  private ran = 0;
  private serveMs = TURN_MS;
  /** How long the calls of the last read may have waited, unread, while the event loop was busy. */
  private lateMs = 0;

  constructor(
    private readonly limits: Limits,
    private readonly clock: Clock,
  ) {
    this.refusals = new Refusals(limits);
  }

  get load(): ServerLoad {
    const { executing, queue, refused } = this;
    const { intervalMs } = this.pace;
    return { executing, waiting: queue.length, waitingBytes: queue.bytes, refused, intervalMs };
  }

  /** A chunk was read. */
  onRead(now: number): void {
    this.meter.onRead(now);
    this.lateMs = this.open ? 0 : now - (this.clock.readableSince?.() ?? now);
  }

  /** `meter.untilLook` has come to 0. */
  look(): void {
    if (this.meter.look(this.clock.now())) this.close();
    else if (this.meter.spent) this.arm();
  }

  /** A handler began that has not ended. */
  begin(): void {
    if (++this.executing >= this.limits.executingMax) this.open = false;
    this.meter.onPromise();
    this.arm();
  }

  /** It has ended. */
  end(): void {
    this.executing--;
    if (!this.open) this.arm();
  }

  /** Whether the handler that ends now is one that is timed, for `observe`. */
  isTimed(): boolean {
    if (--this.untilSample > 0) return false;
    this.untilSample = ENDS_PER_SAMPLE;
    return true;
  }

  /** A handler of this method took so long. */
  observe(method: object, ms: number): void {
    let typical = this.typical.get(method);
    if (typical === undefined) {
      typical = new TypicalDuration();
      this.typical.set(method, typical);
    }
    typical.observe(ms);
  }

  /** When a call should be answered: one that came late has used up part of its time, and one without a deadline does not starve. */
  dueAt(deadlineAt: number): number {
    return (deadlineAt === Infinity ? this.clock.now() + this.limits.deadlineMsDefault : deadlineAt) - this.lateMs;
  }

  /** The refusal for a call that arrives now and would have to queue; null: it may queue. */
  refusalFor(share: QueueShare, method: object, dueAt: number, bytes: number): Buffer | null {
    const { queue } = this;
    const now = this.clock.now();
    const room = this.room(method, dueAt, now);
    const fair = this.fairShare(share, room);
    // While the queue is at most half full, shares are not enforced.
    if (share.waiting >= fair && queue.length >= room / 2) return this.refusal('share', now);
    const late = queue.ahead(dueAt) >= room;
    if (!late && this.fits(bytes, 1)) return null;
    const victim = this.victim(share, dueAt, room, late);
    if (victim !== undefined && this.fits(bytes - victim.bytes, 0)) return null;
    return this.refusal(late ? 'late' : 'full', now);
  }

  /** Puts a call into the queue. `refusalFor` has let it pass, in the same tick. */
  add(call: WaitingCall): void {
    const { queue } = this;
    const now = this.clock.now();
    const room = this.room(call.method, call.dueAt, now);
    const late = queue.ahead(call.dueAt) >= room;
    if (late || !this.fits(call.bytes, 1)) this.displace(this.victim(call.share, call.dueAt, room, late), now);
    if (queue.length === 0) this.pace.begin(now);
    queue.add(call);
    this.arm();
  }

  /** A call that waited has ended. */
  remove(call: WaitingCall): void {
    this.queue.remove(call);
  }

  /** A ONEWAY call of a connection waits: `run` takes a place. */
  awaitPlace(run: () => void): void {
    this.oneways.push(run);
    this.arm();
  }

  /** How many calls may be ahead of one that is due at `dueAt`. */
  private room(method: object, dueAt: number, now: number): number {
    const intervalMs = this.pace.interval(now, this.executing);
    if (intervalMs === 0 || this.queue.length === 0) return Infinity;
    const leftMs = dueAt - now - (this.typical.get(method)?.ms ?? 0);
    return Math.max(0, (leftMs * WAIT_SHARE) / intervalMs);
  }

  private fits(bytes: number, calls: number): boolean {
    const { queue, limits } = this;
    return (
      queue.length + calls <= limits.admissionQueueCallsMax && queue.bytes + bytes <= limits.admissionQueueBytesMax
    );
  }

  /** How many calls a connection may have waiting: any number, or its part of the room while others wait as well. */
  private fairShare(share: QueueShare, room: number): number {
    const others = this.queue.shares - (share.waiting > 0 ? 1 : 0);
    if (others === 0) return Infinity;
    return Math.max(1, Math.floor(Math.min(room, this.limits.admissionQueueCallsMax) / (others + 1)));
  }

  /**
   * The call that is refused to make room: one of a connection that exceeds its share, else the one with the latest deadline, which
   * has the most time left for a retry elsewhere; undefined: none.
   */
  private victim(share: QueueShare, dueAt: number, room: number, late: boolean): WaitingCall | undefined {
    const { queue } = this;
    const fair = this.fairShare(share, room);
    const beyond = fair === Infinity ? undefined : queue.lastBeyond(fair);
    if (beyond !== undefined || late) return beyond;
    const { last } = queue;
    return last !== undefined && last.dueAt > dueAt ? last : undefined;
  }

  private displace(victim: WaitingCall | undefined, now: number): void {
    if (victim === undefined) return;
    this.queue.remove(victim);
    victim.refuse(this.refusal('full', now));
  }

  private refusal(why: RefusalReason, now: number): Buffer {
    this.refused++;
    const waitMs = this.queue.length * this.pace.interval(now, this.executing);
    return this.refusals.record(why, Math.min(waitMs, RETRY_MS_MAX));
  }

  /** From here on calls wait, until a turn has served all that do. */
  private close(): void {
    this.open = false;
    this.clock.watchReads?.(WATCH_MS);
    this.arm();
  }

  private arm(): void {
    if (this.turnDue) return;
    this.turnDue = true;
    this.clock.afterReads(this.onTurn);
    if (this.idle) return;
    // Runs behind the promises of what `onTurn` starts, and so knows what that took.
    this.endDue = true;
    this.clock.afterReads(this.onTurnEnd);
  }

  /** Calls run at once and no ONEWAY call waits. */
  private get idle(): boolean {
    return this.open && this.oneways.length === 0;
  }

  private readonly onTurn = (): void => {
    const now = this.clock.now();
    if (this.meter.endTurn(now) && this.open) this.close();
    this.batchAt = now;
    this.ran = 0;
    if (this.endDue) {
      this.serve(now);
    } else {
      this.turnDue = false;
      if (!this.idle) this.arm();
    }
  };

  private readonly onTurnEnd = (): void => {
    const { ran } = this;
    const now = this.clock.now();
    this.turnDue = this.endDue = false;
    this.meter.endTurn(now);
    if (ran > 0) {
      const fit = Math.floor((this.serveMs * ran) / Math.max(now - this.batchAt, Number.MIN_VALUE));
      this.batch = Math.min(Math.max(fit, 1), Math.max(this.batch, ran * 2), BATCH_MAX);
    }
    if (this.executing >= this.limits.executingMax) return;
    if (this.queue.length === 0) this.open = true;
    if (this.queue.length + this.oneways.length > 0) this.arm();
  };

  /** Starts what the places and this turn allow; ONEWAY calls and the queue in turns. */
  private serve(now: number): void {
    const { queue, oneways, limits, clock } = this;
    const serveMs = Math.min(Math.max(queue.length * this.pace.intervalMs * SERVED_SHARE, TURN_MS), SERVE_MS_MAX);
    this.serveMs = serveMs;
    let taken = 0;
    for (let at = now; this.ran < this.batch && this.executing < limits.executingMax && at - now <= serveMs; ) {
      if (oneways.length > 0 && (queue.length === 0 || this.onewayNext)) {
        this.onewayNext = false;
        this.ran++;
        oneways.shift()?.();
      } else {
        const call = queue.take();
        if (call === undefined) break;
        taken++;
        this.onewayNext = true;
        if (at + (this.typical.get(call.method)?.ms ?? 0) > call.dueAt) call.refuse(this.refusal('late', at));
        else {
          this.ran++;
          call.start(at);
        }
      }
      at = clock.now();
    }
    this.pace.onTaken(taken, queue.length > 0, clock.now());
  }
}
