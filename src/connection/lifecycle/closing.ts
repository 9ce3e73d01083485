/**
 * The last steps of a connection's socket: CLOSE is written or was read, this half ends, and CLOSE_MS later the socket is destroyed
 * unless it has closed by then. Used by `Connection`, whose state is `closing` meanwhile.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { Transport } from '../../transport/transport.js';
import { FrameType } from '../../wire/constants.js';
import { type CloseRecord, encodeClose } from '../../wire/records/close.js';
import type { WriteQueue } from '../messages/write-queue.js';

/** Time that CLOSE has to reach the peer before the socket is destroyed. */
const CLOSE_MS = 100;

export class Closing {
  private timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly transport: Transport,
  ) {}

  /** Writes CLOSE. Nothing may be written behind it. */
  write(queue: WriteQueue, record: CloseRecord): void {
    queue.writeFrame(FrameType.CLOSE, 0, 0, 0, encodeClose(record));
    queue.flush();
  }

  /** Ends this half. Input is read and dropped: closing a socket with unread input resets it, and CLOSE might be lost. */
  endTransport(): void {
    this.transport.end();
    this.transport.resume();
    this.timer = this.clock.setTimer(() => {
      this.timer = null;
      this.transport.destroy();
    }, CLOSE_MS);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
