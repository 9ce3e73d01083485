/**
 * What stands in front of a message and around it: the prefix parts that its flags announce, frames that continue it, and
 * compression. Shared by requests and responses; every usual frame goes past this file (flags 0, or DEADLINE alone).
 */
import { limitError, RpcError } from '../../base/errors.js';
import { limitOf } from '../../base/limits.js';
import { decompressMessage } from '../../compression/message.js';
import { Flag } from '../../wire/constants.js';
import { readU32 } from '../../wire/encoder.js';
import { isBytesCodec, type MessageCodec } from '../../wire/message-codec.js';
import { LEDGER_BYTES, type PeerDurations, readDeadlineMs, readDurations } from '../../wire/prefix.js';
import { decodeMetadata, type Metadata } from '../../wire/records/metadata.js';
import { Assembly } from './assembly.js';
import type { MessageScope } from './message-scope.js';

/** What a waiting message costs beside its bytes: ONEWAY calls of no bytes could wait without end. */
export const WAITING_BYTES = 512;

export class IncomingMessage {
  /** Milliseconds that the caller still gives; -1: the frame named no deadline. */
  deadlineMs = -1;
  metadata: Metadata | null = null;
  /** What the callee says of its own time, of an answer that says it. */
  durations: PeerDurations | null = null;
  /** More frames of this message are to come. */
  partial = false;
  /** The body once `complete`: from `start` to `end` of `buffer`. */
  buffer: Buffer;
  start: number;
  end: number;
  readonly flags: number;
  private readonly link: MessageScope;
  private assembly: Assembly | null = null;
  private expanded = false;

  /** The first frame's payload. Throws an `RpcError` that fails this call alone. */
  constructor(link: MessageScope, flags: number, request: boolean, buffer: Buffer, start: number, end: number) {
    this.link = link;
    this.flags = flags;
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    if ((flags & Flag.DEADLINE) !== 0) {
      const at = this.skip(4);
      this.deadlineMs = readDeadlineMs(buffer, at);
    }
    if (!request && (flags & Flag.LEDGER) !== 0) this.durations = readDurations(buffer, this.skip(LEDGER_BYTES));
    if ((flags & Flag.METADATA) !== 0) {
      const bytes = readU32(buffer, this.skip(4));
      if (bytes > link.limits.metadataBytesMax) {
        throw limitError(`metadata of ${bytes} bytes`, limitOf(link.limits, 'metadataBytesMax'));
      }
      const at = this.skip(bytes);
      this.metadata = decodeMetadata(buffer, at, at + bytes, link.limits);
    }
    this.checkSize(this.end - this.start);
    if ((flags & Flag.MORE) !== 0) {
      this.begin(true);
      this.partial = true;
    }
  }

  /** The next frame of the message. Throws an `RpcError` that fails this call alone. */
  continue(flags: number, buffer: Buffer, start: number, end: number): void {
    const assembly = this.assembly as Assembly;
    this.checkSize(assembly.length + end - start);
    this.append(buffer, start, end);
    if ((flags & Flag.MORE) !== 0) return;
    this.partial = false;
    this.buffer = assembly.buffer;
    this.start = 0;
    this.end = assembly.length;
  }

  /** Copies a message that must wait, so that its bytes outlive the chunk. Throws an `RpcError` that fails this call alone. */
  keep(): void {
    const assembly = this.assembly ?? this.begin(false);
    this.buffer = assembly.buffer;
    this.start = 0;
    this.end = assembly.length;
    if (!assembly.charge(WAITING_BYTES)) throw this.tooMuchHeld();
  }

  /** Undoes the compression, if there is one. Throws an `RpcError` that fails this call alone. */
  expand(): void {
    if ((this.flags & Flag.COMPRESSED) === 0) return;
    const { link } = this;
    const message = decompressMessage(
      this.buffer,
      this.start,
      this.end,
      link.acceptedCompressors,
      link.limits.messageBytesMax,
    );
    this.expanded = true;
    this.buffer = message;
    this.start = 0;
    this.end = message.length;
  }

  /** The value; bytes are not copied again where the message has a buffer of its own. Throws as `decode` does. */
  decode(codec: MessageCodec): unknown {
    const { buffer, start, end } = this;
    const owned = this.expanded || this.assembly !== null;
    return owned && isBytesCodec(codec) ? buffer.subarray(start, end) : codec.decode(buffer, start, end);
  }

  /** The connection's ledger counts its bytes no more: something else bounds them. */
  discharge(): void {
    this.assembly?.release();
  }

  /** Gives its bytes back to the connection's ledger; call it once, when the message has been read or dropped. */
  release(): void {
    this.assembly?.release();
    this.assembly = null;
  }

  private skip(bytes: number): number {
    const at = this.start;
    if (this.end - at < bytes)
      throw new RpcError('INVALID_ARGUMENT', 'the frame ends inside the parts that its flags announce');
    this.start = at + bytes;
    return at;
  }

  private checkSize(bytes: number): void {
    const { limits } = this.link;
    if (bytes <= limits.messageBytesMax) return;
    throw limitError(`a message of ${bytes} bytes or more`, limitOf(limits, 'messageBytesMax'));
  }

  /** The bytes of the frame at hand, which are the first ones. */
  private begin(more: boolean): Assembly {
    const { link, buffer, start, end } = this;
    const assembly = new Assembly(link.ledger);
    this.assembly = assembly;
    const kept = link.reader.claim(buffer)
      ? assembly.adopt(buffer, start, end)
      : more
        ? assembly.append(buffer, start, end)
        : assembly.adopt(Buffer.from(buffer.subarray(start, end)), 0, end - start);
    if (!kept) throw this.tooMuchHeld();
    return assembly;
  }

  private append(buffer: Buffer, start: number, end: number): void {
    if (!(this.assembly as Assembly).append(buffer, start, end)) throw this.tooMuchHeld();
  }

  private tooMuchHeld(): RpcError {
    const limit = limitOf(this.link.limits, 'assemblyBytesMax');
    return limitError('too many bytes of unfinished messages on this connection', limit);
  }
}
