/**
 * How much memory a server holds for the streams that it sends: bytes not yet taken by its sockets, sampled while items are made, and
 * its heap after a garbage collection (`node --expose-gc`).
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Held } from './roles.js';

export class HeldBytes {
  private readonly sockets = new Set<Socket>();
  private unsentBytesMax = 0;
  private stalledBytes = 0;
  private heapBytes = 0;

  /** Sees every socket that this process accepts from now on. */
  constructor() {
    subscribe('net.server.socket', (message) => {
      const { socket } = message as { readonly socket: Socket };
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  look(): void {
    for (const { writableLength } of this.sockets) {
      if (writableLength > this.unsentBytesMax) this.unsentBytesMax = writableLength;
    }
  }

  /** An item was taken from the source of the stream that nobody reads. */
  onStalledItem(bytes: number): void {
    this.stalledBytes += bytes;
  }

  onStalledEnd(): void {
    this.stalledBytes = 0;
  }

  collect(): void {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    this.heapBytes = heapUsed + external;
  }

  /** What was seen; looks for the most unsent bytes begin anew. */
  report(): Held {
    const { unsentBytesMax, stalledBytes, heapBytes } = this;
    this.unsentBytesMax = 0;
    return { unsentBytesMax, stalledBytes, heapBytes };
  }
}
