/**
 * One direction of one proxied connection: takes what one socket receives and gives it to the other one late, in
 * slices, slowly or not at all. Order is kept; FIN and RST wait in the same queue as the bytes. Used by `proxy.ts`
 * only.
 */
import type { Socket } from 'node:net';
import type { Random } from './seed.js';

/** What happens to a direction of every connection; changed by `FaultProxy` while they run. */
export interface DirectionFaults {
  delayMs: number;
  /** Added to or taken from the delay, evenly spread. */
  jitterMs: number;
  /** Longest piece that is written at once. */
  sliceBytes: number;
  bytesPerSecond: number;
  /** open: bytes pass. held: they wait, and the sender is not read. lost: they are read and thrown away. */
  mode: 'open' | 'held' | 'lost';
  /** Bytes that still pass before a reset. */
  resetAfterBytes: number;
}

export function noFaults(): DirectionFaults {
  return {
    delayMs: 0,
    jitterMs: 0,
    sliceBytes: Number.POSITIVE_INFINITY,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    mode: 'open',
    resetAfterBytes: Number.POSITIVE_INFINITY,
  };
}

interface Queued {
  what: Buffer | 'fin' | 'reset';
  readonly dueAt: number;
}

/** Bytes on their way through a delay; the sender waits beyond it. */
const queueBytesMax = 4 * 1024 * 1024;
/** The same when bandwidth is limited: what a small router would buffer. */
const queueBytesMaxSlow = 64 * 1024;
/** At limited bandwidth, what may pass at once after a pause: 20 ms worth. */
const burstSeconds = 0.02;
/** Time in which another process reads what has reached it. */
const readingMs = 20;

export class ProxyDirection {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #faults: DirectionFaults;
  readonly #random: Random;
  /** Resets both sockets of the connection. */
  readonly #reset: () => void;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #lastDueAt = 0;
  /** Bytes that may pass now at limited bandwidth, as of `#allowedAt`. */
  #allowed = 0;
  #allowedAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #over = false;

  constructor(source: Socket, sink: Socket, faults: DirectionFaults, random: Random, reset: () => void) {
    this.#source = source;
    this.#sink = sink;
    this.#faults = faults;
    this.#random = random;
    this.#reset = reset;
    source.on('data', (chunk: Buffer) => this.#push(chunk));
    source.on('end', () => this.#push('fin'));
    source.on('error', () => this.#push('reset'));
    sink.on('drain', () => this.run());
    this.run();
  }

  /** Goes on after the faults were changed, or after a wait. */
  run(): void {
    if (this.#over) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (!this.#over && this.#immediate === null && this.#step());
    this.#regulate();
  }

  /** FIN now; whatever the source still sends is thrown away. */
  finish(): void {
    this.#end();
    this.#source.resume();
    this.#sink.end();
  }

  /** Stops for good and lets go of its timers. */
  destroy(): void {
    this.#end();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
  }

  #push(what: Queued['what']): void {
    if (this.#over || this.#faults.mode === 'lost') return;
    const { delayMs, jitterMs } = this.#faults;
    const jitter = jitterMs === 0 ? 0 : (this.#random.unit() * 2 - 1) * jitterMs;
    const dueAt = Math.max(this.#lastDueAt, performance.now() + Math.max(0, delayMs + jitter));
    this.#lastDueAt = dueAt;
    this.#queue.push({ what, dueAt });
    if (what instanceof Buffer) this.#queuedBytes += what.length;
    this.run();
  }

  /** Passes on the head of the queue or a part of it. False: nothing more can pass for now. */
  #step(): boolean {
    const { mode } = this.#faults;
    if (mode === 'lost') this.#clear();
    const head = this.#queue[0];
    if (head === undefined || mode === 'held' || this.#sink.writableNeedDrain) return false;
    const wait = head.dueAt - performance.now();
    if (wait > 0) return this.#later(wait);
    if (head.what instanceof Buffer) return this.#pass(head, head.what);
    this.#end();
    if (head.what === 'fin') this.#sink.end();
    else this.#reset();
    return false;
  }

  #pass(head: Queued, bytes: Buffer): boolean {
    const faults = this.#faults;
    const allowed = this.#allowance();
    if (allowed < 1) return this.#later(Math.max(1, ((1 - allowed) / faults.bytesPerSecond) * 1_000));
    const size = Math.min(bytes.length, faults.sliceBytes, Math.floor(allowed), faults.resetAfterBytes);
    if (faults.bytesPerSecond !== Number.POSITIVE_INFINITY) this.#allowed -= size;
    this.#queuedBytes -= size;
    faults.resetAfterBytes -= size;
    if (size < bytes.length) head.what = bytes.subarray(size);
    else this.#queue.shift();
    if (faults.resetAfterBytes === 0) {
      faults.resetAfterBytes = Number.POSITIVE_INFINITY;
      this.#resetBehind(bytes.subarray(0, size));
      return false;
    }
    this.#sink.write(bytes.subarray(0, size));
    // A turn of the event loop between slices, so that the other side reads each by itself.
    if (faults.sliceBytes !== Number.POSITIVE_INFINITY) {
      this.#immediate = setImmediate(() => {
        this.#immediate = null;
        this.run();
      });
    }
    return true;
  }

  /**
   * RST once the other side has had time to read the bytes: a reset socket drops what it has not sent, and libuv
   * reports a reset that comes together with unread bytes as an end.
   */
  #resetBehind(bytes: Buffer): void {
    this.#end();
    const reset = () => {
      // A turn behind the timer, in which a reader in this process is served in any case.
      this.#timer = setTimeout(() => {
        this.#immediate = setImmediate(this.#reset);
      }, readingMs);
    };
    if (bytes.length === 0) reset();
    else this.#sink.write(bytes, reset);
  }

  #allowance(): number {
    const { bytesPerSecond } = this.#faults;
    if (bytesPerSecond === Number.POSITIVE_INFINITY) return bytesPerSecond;
    const now = performance.now();
    const earned = ((now - this.#allowedAt) / 1_000) * bytesPerSecond;
    this.#allowed = Math.min(this.#allowed + earned, Math.max(1, bytesPerSecond * burstSeconds));
    this.#allowedAt = now;
    return this.#allowed;
  }

  #later(ms: number): false {
    this.#timer = setTimeout(() => this.run(), Math.ceil(ms));
    return false;
  }

  /** Reads the source only while there is room, and never while held. */
  #regulate(): void {
    const { mode, bytesPerSecond } = this.#faults;
    const room = bytesPerSecond === Number.POSITIVE_INFINITY ? queueBytesMax : queueBytesMaxSlow;
    const reads = this.#over || mode === 'lost' || (mode === 'open' && this.#queuedBytes < room);
    if (reads) this.#source.resume();
    else this.#source.pause();
  }

  #clear(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #end(): void {
    this.#over = true;
    this.#clear();
  }
}
