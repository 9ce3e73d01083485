/**
 * One direction of a simulated connection: bytes that were written, those on their way, and when they arrive.
 *
 *   write --> unsent --> in flight --(latency, pieces, partition)--> read by the other side --> acknowledged
 *                ^ waits while `flightBytesMax` are in flight or unread
 *
 * Bytes stay in order, whatever the jitter. The end of the stream arrives after them; a reset overtakes them. What arrives while
 * the path is closed or the receiver does not read waits here. One event of the clock delivers one piece, as a socket's read
 * does. Used by `SimulatedSocket`.
 */
import type { Timer } from '../base/clock.js';
import type { Path } from './path.js';
import type { Random } from './random.js';
import type { VirtualClock } from './virtual-clock.js';

/** The receiver of a lane's bytes. */
export interface LaneReader {
  /** Bytes that it takes now; 0: none until it calls `wake`. */
  readonly readable: number;
  /** Bytes per second that it reads; sets the pause after each piece. */
  readonly bytesPerSecond: number;
  onBytes(bytes: Buffer): void;
  onEnd(): void;
  onReset(): void;
}

/** The sender of a lane's bytes. */
export interface LaneWriter {
  /** Everything that was written has left. */
  onAllSent(): void;
}

interface Piece {
  readonly kind: 'bytes' | 'end' | 'reset';
  readonly bytes: Buffer;
  at: number;
}

const nothing = Buffer.alloc(0);

export class Lane {
  unsentBytes = 0;
  sentBytes = 0;
  /** The end of the stream has left. */
  endSent = false;
  private unsent: Uint8Array[] = [];
  private flight: Piece[] = [];
  /** In flight, unread, or read while the path back was closed. */
  private unacknowledgedBytes = 0;
  private readUnacknowledged = 0;
  private ending = false;
  private resetting = false;
  /** Nothing arrives any more: the connection was dropped without notice, or one side is gone. */
  private dead = false;
  private timer: Timer | null = null;
  private notifyTimer: Timer | null = null;
  private lastAt = 0;
  private lineFreeAt = 0;
  private readFreeAt = 0;

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
    private readonly path: Path,
    /** The path of the acknowledgements. */
    private readonly back: Path,
    private readonly writer: LaneWriter,
    private readonly reader: LaneReader,
  ) {
    path.lanes.add(this);
    back.lanes.add(this);
  }

  /** The other side has unread bytes: if it closes now, TCP sends a reset. */
  get hasArrived(): boolean {
    const first = this.flight[0];
    return first !== undefined && first.kind === 'bytes' && first.at <= this.clock.now() && this.path.open;
  }

  /** A delivery is scheduled. */
  get arriving(): boolean {
    return this.timer !== null || this.notifyTimer !== null;
  }

  write(bytes: Uint8Array): void {
    if (this.ending || this.dead) return;
    this.unsent.push(bytes);
    this.unsentBytes += bytes.length;
    this.transfer();
  }

  /** The end of the stream follows what was written. */
  end(): void {
    if (this.ending) return;
    this.ending = true;
    this.transfer();
  }

  /** The writer is gone: what has not left never will; the end of the stream follows the rest. */
  abandon(): void {
    this.unsent = [];
    this.unsentBytes = 0;
    this.end();
  }

  /** Everything in flight is lost, and the reader gets a reset. */
  reset(): void {
    if (this.dead || this.resetting) return;
    this.drop();
    this.resetting = true;
    this.ending = true;
    this.endSent = true;
    this.put('reset', nothing, this.clock.now() + this.path.conditions.latencyMs);
  }

  /** The writer was reset: nothing more comes from it but a reset already in flight. */
  silence(): void {
    if (!this.resetting) this.forget();
  }

  /** The network drops the connection without notice to either side: nothing arrives any more. */
  forget(): void {
    this.drop();
    this.dead = true;
  }

  /** Both sides are gone. */
  release(): void {
    this.forget();
    this.notifyTimer?.cancel();
    this.notifyTimer = null;
    this.path.lanes.delete(this);
    this.back.lanes.delete(this);
  }

  /** The reader may read again. */
  wake(): void {
    this.schedule();
  }

  /** The reader reads at another rate, or has closed and takes everything. */
  onRateChanged(): void {
    this.readFreeAt = 0;
    this.timer?.cancel();
    this.timer = null;
    this.schedule();
  }

  /** One of the two paths is open again. */
  onPathOpen(path: Path): void {
    if (path === this.back && this.readUnacknowledged > 0) {
      const bytes = this.readUnacknowledged;
      this.readUnacknowledged = 0;
      this.acknowledge(bytes);
    }
    if (path !== this.path) return;
    const arrivesAt = this.clock.now() + this.path.conditions.latencyMs;
    for (const piece of this.flight) piece.at = Math.max(piece.at, arrivesAt);
    this.lastAt = Math.max(this.lastAt, arrivesAt);
    this.timer?.cancel();
    this.timer = null;
    this.schedule();
  }

  private drop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.flight = [];
    this.unsent = [];
    this.unsentBytes = 0;
  }

  /** What was written leaves, as far as the window allows. */
  private transfer(): void {
    const { unsent, path } = this;
    const { flightBytesMax, pieceBytesMax } = path.conditions;
    while (unsent.length > 0) {
      const first = unsent[0];
      const room = flightBytesMax - this.unacknowledgedBytes;
      if (room <= 0) return;
      let bytes = Math.min(first.length, room);
      if (pieceBytesMax < bytes) bytes = this.random.between(1, pieceBytesMax);
      if (bytes === first.length) unsent.shift();
      else unsent[0] = first.subarray(bytes);
      this.unsentBytes -= bytes;
      this.sentBytes += bytes;
      this.unacknowledgedBytes += bytes;
      this.put('bytes', Buffer.from(first.subarray(0, bytes)), this.arrivalOf(bytes));
    }
    if (!this.ending || this.endSent) return;
    this.endSent = true;
    this.put('end', nothing, this.arrivalOf(0));
    this.notifySoon();
  }

  private arrivalOf(bytes: number): number {
    const { latencyMs, jitterMs, bytesPerSecond } = this.path.conditions;
    const now = this.clock.now();
    let leavesAt = now;
    if (bytesPerSecond !== Number.POSITIVE_INFINITY) {
      leavesAt = this.lineFreeAt = Math.max(now, this.lineFreeAt) + (bytes * 1000) / bytesPerSecond;
    }
    const jitter = jitterMs === 0 ? 0 : this.random.unit() * jitterMs;
    return Math.max(this.lastAt, leavesAt + latencyMs + jitter);
  }

  private put(kind: Piece['kind'], bytes: Buffer, at: number): void {
    if (this.dead) return;
    this.lastAt = at;
    this.flight.push({ kind, bytes, at });
    this.schedule();
  }

  private schedule(): void {
    const first = this.flight[0];
    if (this.timer !== null || first === undefined || this.dead || !this.path.open) return;
    if (first.kind !== 'reset' && this.reader.readable === 0) return;
    const at = Math.max(first.at, this.readFreeAt);
    this.timer = this.clock.setArrival(this.arrive, at - this.clock.now());
  }

  private readonly arrive = (): void => {
    this.timer = null;
    const { flight, reader } = this;
    const first = flight[0];
    if (first === undefined || !this.path.open) return;
    if (first.kind === 'reset') {
      flight.shift();
      reader.onReset();
    } else if (reader.readable > 0) {
      if (first.kind === 'end') {
        flight.shift();
        reader.onEnd();
      } else {
        this.read(first);
      }
    }
    this.schedule();
  };

  private read(first: Piece): void {
    const { flight, reader, clock } = this;
    let { bytes } = first;
    flight.shift();
    // What has arrived meanwhile may come with it, as a socket's read takes what is there.
    const second = flight[0];
    if (second !== undefined && second.kind === 'bytes' && second.at <= clock.now() && this.random.oneIn(2)) {
      flight.shift();
      bytes = Buffer.concat([bytes, second.bytes]);
    }
    if (bytes.length > reader.readable) {
      const at = clock.now();
      flight.unshift({ kind: 'bytes', bytes: bytes.subarray(reader.readable), at });
      bytes = bytes.subarray(0, reader.readable);
    }
    if (reader.bytesPerSecond !== Number.POSITIVE_INFINITY) {
      this.readFreeAt = clock.now() + (bytes.length * 1000) / reader.bytesPerSecond;
    }
    if (this.back.open) this.acknowledge(bytes.length);
    else this.readUnacknowledged += bytes.length;
    reader.onBytes(bytes);
  }

  private acknowledge(bytes: number): void {
    this.unacknowledgedBytes -= bytes;
    if (this.unsent.length === 0) return;
    this.transfer();
    if (this.unsent.length === 0) this.notifySoon();
  }

  /** Notifies the writer in a separate event. */
  private notifySoon(): void {
    this.notifyTimer ??= this.clock.setTimer(() => {
      this.notifyTimer = null;
      this.writer.onAllSent();
    }, 0);
  }
}
