/**
 * At most 16 sockets are accepted per event-loop turn, in the order in which they came: when a thousand clients connect together,
 * calls on open connections continue in between. A socket that waits is not read. Used by `Server` for plain sockets; with TLS the
 * costly part is the handshake, which is over by then.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.js';

/** About 2 ms of work. */
const ACCEPTS_PER_TURN = 16;

interface Waiting {
  readonly socket: Pick<Socket, 'destroyed'>;
  readonly accept: () => void;
}

export class AcceptPacer {
  private waiting: Waiting[] = [];
  private left = ACCEPTS_PER_TURN;
  private turnDue = false;

  constructor(private readonly clock: Clock) {}

  /** Calls `accept` now or in a later turn, unless the socket is gone by then. */
  add(socket: Pick<Socket, 'destroyed' | 'on'>, accept: () => void): void {
    // Without a listener an 'error' ends the process.
    socket.on('error', () => {});
    this.waiting.push({ socket, accept });
    if (this.left > 0) this.run(this.left);
    this.arm();
  }

  /** Nobody else comes: all that wait now. */
  flush(): void {
    this.run(Infinity);
  }

  private run(most: number): void {
    for (const { socket, accept } of this.waiting.splice(0, most)) {
      this.left--;
      if (!socket.destroyed) accept();
    }
  }

  private arm(): void {
    if (this.turnDue) return;
    this.turnDue = true;
    this.clock.afterReads(this.onTurn);
  }

  private readonly onTurn = (): void => {
    this.turnDue = false;
    this.left = ACCEPTS_PER_TURN;
    if (this.waiting.length === 0) return;
    this.run(ACCEPTS_PER_TURN);
    this.arm();
  };
}
