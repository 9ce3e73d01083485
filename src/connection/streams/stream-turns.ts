/**
 * Whose turn it is among the streams that this side writes on one connection. A stream writes its share, then stands at the end
 * of the line; when all of them together have written a turn's worth, or the socket holds enough, they wait until the event
 * loop has read what came meanwhile. So no stream starves another, nor the calls beside them, nor the reading of CREDIT.
 */
import type { Clock } from '../../base/clock.js';
import type { Transport } from '../../transport/transport.js';
import { TURN_BYTES, UNSENT_BYTES_MAX } from '../messages/frame-scheduler.js';
import type { SendWindow } from './send-window.js';

/** Bytes that a stream writes before the next one has its turn. */
const SHARE_BYTES = 16 * 1024;
/** What a new stream may write before it stands in line: enough for one that is short. */
export const FIRST_SHARE_BYTES = 1024;

/** A stream that waits for its turn. */
export interface StreamInLine {
  readonly window: SendWindow;
  /** It has a share again. */
  onTurn(): void;
}

export class StreamTurns {
  private line: StreamInLine[] = [];
  private readonly waitingForRoom: (() => void)[] = [];
  private left = TURN_BYTES;
  private turnDue = false;
  private runDue = false;

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
  ) {}

  /** Asks for the next share. */
  enter(stream: StreamInLine): void {
    this.line.push(stream);
    if (this.runDue || (this.turnDue && this.left <= 0)) return;
    this.runDue = true;
    queueMicrotask(this.onRun);
  }

  /** A stream has ended and needs the rest of its share no more. */
  leave(share: number): void {
    if (share > 0) this.left = Math.min(TURN_BYTES, this.left + share);
  }

  /** Calls back once long messages, of which too much is held, may be given again. */
  awaitRoom(callback: () => void): void {
    this.waitingForRoom.push(callback);
  }

  /** Long messages have left. */
  onRoom(): void {
    for (const callback of this.waitingForRoom.splice(0)) callback();
  }

  /** The socket has drained. */
  onDrain(): void {
    if (this.line.length > 0) this.run();
  }

  close(): void {
    this.line = [];
    this.waitingForRoom.length = 0;
  }

  private readonly onRun = (): void => {
    this.runDue = false;
    this.run();
  };

  /** Gives out shares until the turn's worth is spent. Each stream that gets one writes in a microtask of its own. */
  private run(): void {
    const { line } = this;
    let taken = 0;
    while (taken < line.length && this.left > 0 && this.transport.unsentBytes <= UNSENT_BYTES_MAX) {
      const stream = line[taken++];
      if (stream === undefined) break;
      this.left -= SHARE_BYTES;
      stream.window.share = SHARE_BYTES;
      stream.onTurn();
    }
    line.splice(0, taken);
    // With a full socket its `onDrain` is the next turn.
    if (this.turnDue || (taken === 0 && this.left > 0)) return;
    this.turnDue = true;
    this.clock.afterReads(this.onTurn);
  }

  private readonly onTurn = (): void => {
    this.turnDue = false;
    this.left = TURN_BYTES;
    if (this.line.length > 0) this.run();
  };
}
