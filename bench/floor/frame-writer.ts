/**
 * The floor's outgoing bytes: frames are encoded one behind the other into a slab that leaves at the end of the tick. The first
 * batch of a tick leaves at 1 KiB, so that the peer wakes while the rest is encoded, later ones at 2, 4 and 8 KiB. That is the
 * engine's own way of flushing: what is compared is everything else.
 */
import type { Socket } from 'node:net';
import type { Type } from 'avsc';

/** `length u32 | call u32 | kind u8 | 3 bytes unused`. */
export const HEADER_BYTES = 12;

const SLAB_BYTES = 64 * 1024;
const BATCH_BYTES_FIRST = 1024;
const BATCH_BYTES_MOST = 8 * 1024;

export class FrameWriter {
  /** Waiting for the socket's 'drain' event. */
  blocked = false;
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  private sent = 0;
  private end = 0;
  private batchBytes = BATCH_BYTES_FIRST;
  private scheduled = false;
  private readonly socket: Socket;
  private readonly type: Type;

  constructor(socket: Socket, type: Type) {
    this.socket = socket;
    this.type = type;
  }

  write(kind: number, call: number, message: unknown): void {
    let header = this.end;
    let end = this.encode(message, header + HEADER_BYTES);
    if (end < 0) {
      this.flush();
      this.renew();
      header = 0;
      end = this.encode(message, HEADER_BYTES);
    }
    const { slab } = this;
    const length = end - header - HEADER_BYTES;
    slab[header] = length;
    slab[header + 1] = length >>> 8;
    slab[header + 2] = length >>> 16;
    slab[header + 3] = length >>> 24;
    slab[header + 4] = call;
    slab[header + 5] = call >>> 8;
    slab[header + 6] = call >>> 16;
    slab[header + 7] = call >>> 24;
    slab[header + 8] = kind;
    slab[header + 9] = slab[header + 10] = slab[header + 11] = 0;
    this.end = end;
    if (end - this.sent >= this.batchBytes) {
      this.flush();
      if (this.batchBytes < BATCH_BYTES_MOST) this.batchBytes *= 2;
    }
    if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.onTickEnd);
    }
  }

  /** The offset behind the message, negative when the slab is too full for it. */
  private encode(message: unknown, at: number): number {
    return at < SLAB_BYTES ? this.type.encode(message, this.slab, at) : -1;
  }

  private flush(): void {
    if (this.end === this.sent) return;
    this.blocked = !this.socket.write(this.slab.subarray(this.sent, this.end));
    if (this.socket.writableLength === 0) {
      // The kernel accepted everything, as it nearly always does.
      this.sent = this.end = 0;
      return;
    }
    this.sent = this.end;
    if (this.end > SLAB_BYTES / 2) this.renew();
  }

  /** Bytes that the kernel has not taken belong to the socket, so the slab is left to it. */
  private renew(): void {
    this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.sent = 0;
    this.end = 0;
  }

  private readonly onTickEnd = (): void => {
    this.scheduled = false;
    this.batchBytes = BATCH_BYTES_FIRST;
    this.flush();
  };
}
