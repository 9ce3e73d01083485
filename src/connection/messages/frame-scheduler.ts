/**
 * Long messages on their way out. Each leaves in frames of at most 64 KiB, 64 KiB of each in turn, and only while the socket
 * takes them: so small frames written meanwhile never wait behind more than what the socket already holds, and a message
 * half sent can be dropped. While others wait (other long messages, or small frames that came since the last fragment) a
 * frame of what is longer than one has at most 16 KiB.
 *
 * A message of higher priority goes first; but a message that was passed over PASSED_OVER_MAX times goes next, so that the lowest
 * priority still gets its share.
 *
 * An item's frames cost credit. A message without enough credit is passed over, and nothing waits behind it.
 *
 * Long messages are held in full while they leave. From `heldBytesMax` bytes of them on, no more are taken until `onRoom`.
 * Those that wait for credit are counted apart, against the same bound: receivers that stopped reading do not block
 * other messages, but an item that would also have to wait is not taken.
 *
 * Invariants: every message in the list has a frame left; `stalledBytes` is the sum of those marked `stalled`.
 * Used by `MessageSender`.
 */
import type { Clock } from '../../base/clock.js';
import type { Transport } from '../../transport/transport.js';
import { Flag, HEADER_BYTES } from '../../wire/constants.js';
import type { WriteQueue } from './write-queue.js';

/** Payload bytes of one frame of a long message. */
export const FRAGMENT_BYTES = 64 * 1024;
/** The same while others wait. */
const FRAGMENT_BYTES_SHARED = 16 * 1024;
/** Bytes that a long message, or all streams together, may send before the next one's turn. */
export const TURN_BYTES: number = 64 * 1024;
/** A smaller frame is not worth its header, unless it is the last of its message. */
const FRAGMENT_BYTES_LEAST = 1024;
/** Long messages and streams go on while the socket holds no more unsent bytes than this. */
export const UNSENT_BYTES_MAX: number = 128 * 1024;
/** From so many bytes on nothing is held back for more. */
const CORKED_BYTES_MAX = 64 * 1024;
/** Bytes written in one turn of the event loop: a fast receiver must not keep this process from reading. */
const BYTES_A_TURN = 512 * 1024;
/** The same while others wait. */
const BYTES_A_TURN_SHARED = 64 * 1024;

/** Frames of higher priority that may go before the next one of a message. */
export const PASSED_OVER_MAX = 16;

/**
 * How many bytes the ITEM frames of one stream may still cost, each 12 plus its body (spec/protocol.md, chapter 7): what the
 * receiver gave and the sender has not spent. Read and spent by whoever writes ITEM frames.
 */
export interface ItemCredit {
  readonly left: number;
  /** One ITEM frame of this cost was written. */
  spend(bytes: number): void;
}

/** A message on its way in several frames. */
export class LongMessage {
  /** Runs when the first frame is about to be written. */
  onBegun: (() => void) | null = null;
  /** Runs once the last frame was handed over; not after `drop`. */
  onSent: (() => void) | null = null;
  at = 0;
  /** Its first frame was written. */
  begun = false;
  /** Where its turn began. */
  turnAt = 0;
  dropped = false;
  /** It waits for credit. */
  stalled = false;
  /** The higher goes first. Set it before the turn of the event loop ends. */
  priority = 0;
  /** The application's own bytes, which count for no bound, and of which each frame is an item: none has MORE. */
  pieces = false;
  /**
   * The body is the application's own, which may change it once it was told that the message was sent: each frame is copied as it is
   * written, since the socket may hold it for longer.
   */
  lent = false;
  /** Frames of higher priority that have gone before its next one. */
  passedOver = 0;

  constructor(
    readonly type: number,
    readonly flags: number,
    readonly call: number,
    readonly method: number,
    /** What goes between the first frame's header and the body; fits a frame. */
    readonly prefix: Buffer | null,
    /** Must stay unchanged until the last frame was handed over. */
    readonly body: Uint8Array,
    /** What its frames cost is taken from here; null: they cost nothing. */
    readonly credit: ItemCredit | null,
  ) {}

  get heldBytes(): number {
    return this.pieces ? 0 : this.body.length;
  }

  /** Bytes of the body that the next frame may have as far as credit goes; -1: it waits for more. */
  get affordable(): number {
    const rest = this.body.length - this.at;
    if (this.credit === null) return rest;
    const bytes = this.credit.left - HEADER_BYTES;
    return bytes < Math.min(FRAGMENT_BYTES_LEAST, rest) ? -1 : Math.min(bytes, rest);
  }
}

/** Returned in place of a long message that was not sent: the caller sends it again when there is room. */
export const LATER: LongMessage = new LongMessage(0, 0, 0, 0, null, Buffer.alloc(0), null);

export class FrameScheduler {
  /** What the peer accepts, and at most 64 KiB. */
  frameBytesMax = FRAGMENT_BYTES;
  private messages: LongMessage[] = [];
  private turn = 0;
  /** Bytes of the messages that have not left in full, those that wait for credit aside. */
  private heldBytes = 0;
  /** Bytes of the messages that wait for credit. */
  private stalledBytes = 0;
  /** `isFull` has returned true, and `onRoom` has not been called since. */
  private awaited = false;
  private awaitedByItem = false;
  private readonly roomListeners: (() => void)[] = [];
  private pumpDue = false;
  private tickEndDue = false;
  private corked = false;
  /** Where the last fragment ended in the connection's outgoing bytes. */
  private position = 0;

  constructor(
    private readonly queue: WriteQueue,
    private readonly transport: Transport,
    private readonly clock: Clock,
    private readonly heldBytesMax: number,
  ) {}

  add(message: LongMessage): void {
    this.messages.push(message);
    this.heldBytes += message.heldBytes;
    if (this.tickEndDue) return;
    this.tickEndDue = true;
    this.corkTick();
    queueMicrotask(() => {
      this.tickEndDue = false;
      this.pump();
    });
  }

  /** Sends nothing more of it. */
  drop(message: LongMessage): void {
    message.dropped = true;
    const index = this.messages.indexOf(message);
    if (index < 0) return;
    this.remove(index, message);
    this.pumpSoon();
  }

  /** The socket has room again, credit came, or a turn of the event loop has passed. */
  pump(): void {
    this.writeFragments();
    const room = this.awaited && this.heldBytes < this.heldBytesMax;
    const roomForItems = this.awaitedByItem && this.stalledBytes < this.heldBytesMax;
    if (!room && !roomForItems) return;
    this.awaited = this.awaitedByItem = false;
    for (const listener of this.roomListeners) listener();
  }

  /** Whether long messages are answered LATER. After true, `onRoom` says when that has changed. */
  isFull(): boolean {
    if (this.heldBytes < this.heldBytesMax) return false;
    this.awaited = true;
    return true;
  }

  /** The same for an item of so many bytes: one that its credit does not cover may have to wait with others like it. */
  isFullForItem(bytes: number, credit: ItemCredit): boolean {
    if (this.isFull()) return true;
    const frames = Math.ceil(bytes / FRAGMENT_BYTES_SHARED);
    if (this.stalledBytes < this.heldBytesMax || bytes + frames * HEADER_BYTES <= credit.left) return false;
    this.awaitedByItem = true;
    return true;
  }

  /** Calls back when long messages may be given again. */
  onRoom(listener: () => void): void {
    this.roomListeners.push(listener);
  }

  close(): void {
    this.messages = [];
    this.heldBytes = this.stalledBytes = 0;
    this.awaited = this.awaitedByItem = false;
  }

  private writeFragments(): void {
    if (this.messages.length === 0) return;
    const { transport } = this;
    // One system call for all of them, and for what their senders write next.
    this.corkTick();
    let share = 0;
    while (this.messages.length > 0) {
      if (transport.unsentBytes > UNSENT_BYTES_MAX) break;
      if (share >= 1) {
        this.pumpSoon();
        break;
      }
      const message = this.advance();
      if (message === null) break;
      share += this.writeFragment(message);
    }
  }

  /** Moves `turn` to the message that may send next, and returns that. Null: all of them wait for credit. */
  private advance(): LongMessage | null {
    const { messages } = this;
    const count = messages.length;
    let chosen: LongMessage | null = null;
    let turn = -1;
    for (let step = 0; step < count; step++) {
      const index = (this.turn + step) % count;
      const message = messages[index];
      if (message === undefined) break;
      const stalled = message.affordable < 0;
      if (stalled !== message.stalled) this.setStalled(message, stalled);
      if (stalled || (chosen !== null && !goesBefore(message, chosen))) continue;
      chosen = message;
      turn = index;
    }
    if (chosen === null) return null;
    this.turn = turn;
    for (const message of messages) {
      if (message.priority < chosen.priority && !message.stalled) message.passedOver++;
    }
    chosen.passedOver = 0;
    return chosen;
  }

  /** Returns its share of what may be written in this turn of the event loop. */
  private writeFragment(message: LongMessage): number {
    const { queue, frameBytesMax } = this;
    // What fits a frame, its prefix aside, is not long: cutting it would help nobody.
    const long = message.body.length > frameBytesMax;
    const shared = long && (this.messages.length > 1 || queue.position !== this.position);
    const most = shared ? Math.min(frameBytesMax, FRAGMENT_BYTES_SHARED) : frameBytesMax;
    const { type, at, call, method, body, begun } = message;
    const prefix = begun ? null : message.prefix;
    const room = prefix === null ? most : Math.max(0, most - prefix.length);
    const end = at + Math.min(message.affordable, room);
    const last = end === body.length;
    const flags = (begun ? 0 : message.flags) | (last || message.pieces ? 0 : Flag.MORE);
    if (!begun) {
      message.begun = true;
      message.onBegun?.();
    }
    message.at = end;
    message.credit?.spend(HEADER_BYTES + end - at);
    const part = at === 0 && last ? body : body.subarray(at, end);
    queue.writeLargeFrame(type, flags, call, method, prefix, message.lent ? Buffer.from(part) : part);
    this.position = queue.position;
    // Writing may have ended the connection, and `close` emptied the list.
    const index = this.messages[this.turn] === message ? this.turn : -1;
    const share = (end - at) / (shared ? BYTES_A_TURN_SHARED : BYTES_A_TURN);
    if (index < 0) return share;
    if (last) {
      this.remove(index, message);
      message.onSent?.();
    } else if (message.at - message.turnAt >= TURN_BYTES) {
      message.turnAt = message.at;
      this.turn++;
    }
    return share;
  }

  private remove(index: number, message: LongMessage): void {
    this.messages.splice(index, 1);
    if (index < this.turn) this.turn--;
    if (message.stalled) this.stalledBytes -= message.heldBytes;
    else this.heldBytes -= message.heldBytes;
  }

  private setStalled(message: LongMessage, stalled: boolean): void {
    const bytes = stalled ? message.heldBytes : -message.heldBytes;
    message.stalled = stalled;
    this.stalledBytes += bytes;
    this.heldBytes -= bytes;
  }

  /**
   * Holds the socket back until all promises of this tick have run, or, with little to send by then, until what has arrived was
   * read: what is written meanwhile leaves in the same system call.
   */
  corkTick(): void {
    if (this.corked) return;
    this.corked = true;
    this.transport.cork();
    queueMicrotask(this.onTickEnd);
  }

  private readonly onTickEnd = (): void => {
    process.nextTick(this.judgeCork);
  };

  private readonly judgeCork = (): void => {
    if (this.transport.unsentBytes >= CORKED_BYTES_MAX) this.uncork();
    else this.clock.afterReads(this.uncork);
  };

  private readonly uncork = (): void => {
    this.corked = false;
    // Small frames of this tick leave in the same system call.
    this.queue.flush();
    this.transport.uncork();
  };

  private pumpSoon(): void {
    if (this.pumpDue) return;
    this.pumpDue = true;
    this.clock.afterReads(() => {
      this.pumpDue = false;
      this.pump();
    });
  }
}

/** Strictly: among equals the turn decides. */
function goesBefore(a: LongMessage, b: LongMessage): boolean {
  const aWaited = a.passedOver >= PASSED_OVER_MAX;
  const bWaited = b.passedOver >= PASSED_OVER_MAX;
  return aWaited === bWaited ? a.priority > b.priority : aWaited;
}
