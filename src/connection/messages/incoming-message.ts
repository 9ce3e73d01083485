/**
 * Parses a message's prefix, fragments and compression. Shared by requests, responses and items; the usual frame (flags 0, or DEADLINE
 * alone) does not pass here.
 */
import { assert } from '../../base/assert.js';
import { limitError, type RpcError } from '../../base/errors.js';
import { limitOf } from '../../base/limits.js';
import { decompressMessage } from '../../compression/message.js';
import { Flag } from '../../wire/constants.js';
import { isBytesCodec, type MessageCodec } from '../../wire/message-codec.js';
import { type PeerDurations, readPrefix } from '../../wire/prefix.js';
import { decodeMetadata, type Metadata } from '../../wire/records/metadata.js';
import { Assembly } from './assembly.js';
import type { MessageScope } from './message-scope.js';

/** Counted for each waiting message beside its bytes: otherwise any number of ONEWAY calls without bytes could wait. */
export const WAITING_BYTES = 512;

export class IncomingMessage {
  /** Milliseconds until the call's deadline; -1: the frame named none. */
  readonly deadlineMs: number;
  readonly metadata: Metadata | null;
  /** The callee's durations, in an answer with the flag LEDGER. */
  readonly durations: PeerDurations | null;
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
    this.end = end;
    const prefix = readPrefix(flags, request, buffer, start, end, link.limits);
    const { metadataStart } = prefix;
    this.start = prefix.end;
    this.deadlineMs = prefix.deadlineMs;
    this.durations = prefix.durations;
    this.metadata = metadataStart < 0 ? null : decodeMetadata(buffer, metadataStart, prefix.end, link.limits);
    this.checkSize(this.end - this.start);
    if ((flags & Flag.MORE) !== 0) {
      this.begin(true);
      this.partial = true;
    }
  }

  /** The next frame of the message. Throws an `RpcError` that fails this call alone. */
  continue(flags: number, buffer: Buffer, start: number, end: number): void {
    const { assembly } = this;
    assert(assembly !== null, 'only a message that came in part is continued');
    this.checkSize(assembly.length + end - start);
    if (!assembly.append(buffer, start, end)) throw this.tooMuchHeld();
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

  /** The connection's ledger no longer counts its bytes: something else bounds them. */
  discharge(): void {
    this.assembly?.release();
  }

  /** Gives its bytes back to the connection's ledger; call it once, when the message has been read or dropped. */
  release(): void {
    this.assembly?.release();
    this.assembly = null;
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

  private tooMuchHeld(): RpcError {
    const limit = limitOf(this.link.limits, 'assemblyBytesMax');
    return limitError('too many bytes of unfinished messages on this connection', limit);
  }
}
