/**
 * A message that arrives in several frames, or that must wait for a schema. Its buffer grows with the bytes that came, at
 * most to twice their number; the connection's ledger counts the bytes, so that all unfinished messages together are bounded.
 */
const FIRST_BYTES = 1024;

/** Bytes held for unfinished messages of one connection, against `assemblyBytesMax`. */
export class AssemblyLedger {
  bytes = 0;
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

export class Assembly {
  buffer: Buffer = Buffer.alloc(0);
  length = 0;
  private charged = 0;
  private readonly ledger: AssemblyLedger;

  constructor(ledger: AssemblyLedger) {
    this.ledger = ledger;
  }

  /** Copies the bytes. False: the ledger is full, nothing was added. */
  append(from: Buffer, start: number, end: number): boolean {
    const bytes = end - start;
    if (this.ledger.bytes + bytes > this.ledger.bytesMax) return false;
    this.ledger.bytes += bytes;
    const length = this.length + bytes;
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * length));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    from.copy(this.buffer, this.length, start, end);
    this.length = length;
    return true;
  }

  /** Takes the buffer over for the first bytes. False: as `append`. */
  adopt(from: Buffer, start: number, end: number): boolean {
    const bytes = end - start;
    if (this.ledger.bytes + bytes > this.ledger.bytesMax) return false;
    this.ledger.bytes += bytes;
    this.buffer = from.subarray(start);
    this.length = bytes;
    return true;
  }

  /** Counts memory that the message takes in addition to its bytes. False: the ledger is full. */
  charge(bytes: number): boolean {
    if (this.ledger.bytes + bytes > this.ledger.bytesMax) return false;
    this.ledger.bytes += bytes;
    this.charged += bytes;
    return true;
  }

  /** Subtracts the bytes from the ledger; the buffer may still be read until the caller returns. */
  release(): void {
    this.ledger.bytes -= this.length + this.charged;
    this.length = 0;
    this.charged = 0;
  }
}
