/**
 * What happened in a simulation, as one number: two runs with the same number went the same way, byte by byte. Used by
 * `SimulatedNetwork`.
 */
import { crc32 } from 'node:zlib';

export interface TraceEvent {
  /** Milliseconds of the clock. */
  readonly at: number;
  /** `dial`, `accept`, `refuse`, `bytes`, `end`, `reset`, `closed`, a fault such as `partition`, or a text of the test's own. */
  readonly kind: string;
  /** Who did it, or whose connection it concerns; empty for a text of the test's own. */
  readonly from: string;
  readonly to: string;
  /** Number of the connection; 0 for none. */
  readonly connection: number;
  /** What was read by `to`, for `bytes`; else empty. Valid until the callback returns. */
  readonly bytes: Uint8Array;
}

const none = new Uint8Array(0);
const HEAD_BYTES = 16;

export class Trace {
  private crc = 0;
  private readonly head = Buffer.alloc(HEAD_BYTES);
  /** What an event is, in words, to a number: each text is hashed once. */
  private readonly names = new Map<string, number>();

  constructor(private readonly listener: ((event: TraceEvent) => void) | null) {}

  /** 8 hexadecimal digits. */
  get hash(): string {
    return this.crc.toString(16).padStart(8, '0');
  }

  add(at: number, kind: string, from: string, to: string, connection: number, bytes: Uint8Array = none): void {
    const { head } = this;
    head.writeDoubleLE(at);
    head.writeUInt32LE(connection, 8);
    head.writeUInt32LE((this.numberOf(kind) ^ (this.numberOf(from) >>> 1)) >>> 0, 12);
    this.crc = crc32(head, this.crc);
    if (bytes.length > 0) this.crc = crc32(bytes, this.crc);
    this.listener?.({ at, kind, from, to, connection, bytes });
  }

  private numberOf(name: string): number {
    let number = this.names.get(name);
    if (number === undefined) {
      number = crc32(name);
      this.names.set(name, number);
    }
    return number;
  }
}
