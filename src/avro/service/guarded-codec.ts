/**
 * A codec of the application's own, as methods use it. The engine lends it the memory that goes to the peer, so what its `encode` returns
 * is checked before it is believed, and bytes that it claims but did not write are zeros: never what another message left there.
 *
 * The memory is set to zero as far as its messages usually reach; a longer one is written twice, the first time that it is that long.
 * Codecs of this package keep to their contract and are not wrapped.
 */
import { RpcError } from '../../base/errors.js';
import type { MessageCodec, Resolution } from '../../wire/message-codec.js';

/** So many bytes are set to zero at first; as many as the longest message so far later. */
const CLEARED_BYTES_MIN = 256;

export class GuardedCodec implements MessageCodec {
  readonly fingerprint: Buffer | null;
  readonly schemaText: string;
  readonly amplifies: boolean;
  private clearedBytes = CLEARED_BYTES_MIN;

  /** `what` names the codec in errors, such as `demo.Cities/get: request`. */
  constructor(
    private readonly codec: MessageCodec,
    private readonly what: string,
  ) {
    this.fingerprint = codec.fingerprint;
    this.schemaText = codec.schemaText;
    this.amplifies = codec.amplifies ?? false;
  }

  encode(value: unknown, into: Buffer, offset: number): number {
    const clearedTo = Math.min(into.length, offset + this.clearedBytes);
    into.fill(0, offset, clearedTo);
    const end = this.checked(this.codec.encode(value, into, offset), into, offset);
    if (end <= clearedTo) return end;
    this.clearedBytes = 2 * (end - offset);
    into.fill(0, offset, end);
    return this.checked(this.codec.encode(value, into, offset), into, offset);
  }

  decode(from: Buffer, start: number, end: number): unknown {
    return this.codec.decode(from, start, end);
  }

  resolveWriter(writerSchemaText: string, fingerprint?: Buffer): Resolution {
    return this.codec.resolveWriter(writerSchemaText, fingerprint);
  }

  gradeReader(readerSchemaText: string, fingerprint?: Buffer): Resolution {
    return this.codec.gradeReader(readerSchemaText, fingerprint);
  }

  /** The offset behind the message, or minus the bytes that are missing: the message then needs more than there are. */
  private checked(end: unknown, into: Buffer, offset: number): number {
    if (typeof end === 'number' && Number.isSafeInteger(end)) {
      if (end < 0 || (end >= offset && end <= into.length)) return end;
    }
    const text = `${this.what}: the codec's encode returned ${describe(end)}`;
    throw new RpcError(
      'INTERNAL',
      `${text}, not an offset from ${offset} to ${into.length}, nor minus the number of bytes that are missing`,
      { started: 'no' },
    );
  }
}

function describe(value: unknown): string {
  return typeof value === 'number' || value === undefined ? String(value) : `a value of type ${typeof value}`;
}
