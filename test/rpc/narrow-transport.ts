/**
 * A transport whose other side is the test, which reads only when it says so: what was written waits here, as it would in
 * a socket whose peer does not read. It gives what was read as frames.
 */
import type { PeerIdentity, Transport, TransportEvents } from '../../src/transport/transport.js';
import { type Frame, frame, magic, readFrame } from '../support/frames.js';
import { helloRecord, writeRecord } from '../support/records.js';

/** As a socket's: from so many unsent bytes on `write` answers false. */
const HIGH_WATER_BYTES = 64 * 1024;

export class NarrowTransport implements Transport {
  readonly identity: PeerIdentity = { kind: 'memory', address: 'narrow', port: 0, certificate: null };
  unsentBytes = 0;
  sentBytes = 0;
  /** Everything that was read, without the preface. */
  readonly frames: Frame[] = [];
  closed = false;
  private readonly waiting: Buffer[] = [];
  private rest: Buffer = Buffer.alloc(0);
  private prefaceRead = false;
  private needDrain = false;
  private events: TransportEvents | null = null;

  start(events: TransportEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): boolean {
    // As a socket does: the bytes stay where they are until they have left.
    this.waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.unsentBytes += bytes.length;
    this.needDrain ||= this.unsentBytes >= HIGH_WATER_BYTES;
    return this.unsentBytes < HIGH_WATER_BYTES;
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.events?.onClose(null));
  }

  /** The other side sends. */
  send(...parts: readonly Buffer[]): void {
    this.events?.onData(Buffer.concat(parts));
  }

  sendPreface(changes: Parameters<typeof helloRecord>[0] = {}): void {
    this.send(magic, frame('HELLO', { payload: writeRecord('HELLO', helloRecord(changes)) }));
  }

  /** The other side reads at most so many bytes. Returns how many there were. */
  read(bytesMax = Number.POSITIVE_INFINITY): number {
    const taken: Buffer[] = [this.rest];
    let bytes = 0;
    while (this.waiting.length > 0 && bytes < bytesMax) {
      const next = this.waiting[0] as Buffer;
      const part = next.subarray(0, Math.min(next.length, bytesMax - bytes));
      taken.push(Buffer.from(part));
      bytes += part.length;
      if (part.length === next.length) this.waiting.shift();
      else this.waiting[0] = next.subarray(part.length);
    }
    this.unsentBytes -= bytes;
    this.sentBytes += bytes;
    this.parse(Buffer.concat(taken));
    if (this.needDrain && this.unsentBytes === 0) {
      this.needDrain = false;
      this.events?.onDrain();
    }
    return bytes;
  }

  /** Reads everything, and what that lets go, until nothing comes any more. */
  async readAll(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      if (this.read() > 0) idle = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private parse(bytes: Buffer): void {
    let rest = bytes;
    if (!this.prefaceRead) {
      if (rest.length < magic.length) {
        this.rest = rest;
        return;
      }
      this.prefaceRead = true;
      rest = rest.subarray(magic.length);
    }
    for (let read = readFrame(rest); read !== null; read = readFrame(rest)) {
      this.frames.push(read.frame);
      rest = rest.subarray(read.end);
    }
    this.rest = Buffer.from(rest);
  }
}
