/**
 * The terminal frames of the callee: RESPONSE and FAILURE, and nothing else writes them. Whatever cannot be sent as it is
 * becomes a FAILURE that says so; nothing here throws.
 */
import { limitError, RpcCodes, RpcError, type Started } from '../base/errors.js';
import { Flag, FrameType } from '../wire/constants.js';
import type { MethodSpec } from '../wire/message-codec.js';
import { encodeFailure } from '../wire/records/failure.js';
import { encodeMetadata } from '../wire/records/metadata.js';
import type { CallContext } from './call-context.js';
import type { CallHost } from './call-host.js';
import { LATER, type LongMessage } from './frame-scheduler.js';
import type { Link } from './link.js';
import type { MethodCompression } from './method-compression.js';

const EMPTY = Buffer.alloc(0);

export class Answers {
  /** Calls that ended with a RESPONSE or END. */
  finished = 0;

  constructor(
    private readonly link: Link,
    private readonly host: CallHost | null,
  ) {}

  /** Sends the handler's answer. Returns the message when it leaves in several frames, LATER when it must wait, else null. */
  respond(
    call: number,
    spec: MethodSpec,
    compression: MethodCompression,
    context: CallContext,
    value: unknown,
  ): LongMessage | null {
    const { link } = this;
    const { responseMetadata } = context;
    try {
      const metadata = responseMetadata === null ? null : encodeMetadata(responseMetadata, link.peerLimits);
      const long = link.sender.send(FrameType.RESPONSE, 0, call, 0, spec.response, value, -1, metadata, compression);
      if (long !== LATER) this.finished++;
      return long;
    } catch (cause) {
      this.failUnsendable(call, cause, spec);
      return null;
    }
  }

  /** Ends a stream: every item of it has been written. */
  end(call: number, spec: MethodSpec, context: CallContext): void {
    const { queue, peerLimits } = this.link;
    const { responseMetadata } = context;
    if (responseMetadata === null) {
      queue.writeFrame(FrameType.END, 0, call, 0, EMPTY);
      this.finished++;
      return;
    }
    try {
      const payload = withSize(encodeMetadata(responseMetadata, peerLimits));
      if (payload.length > peerLimits.frameBytesMax) throw tooLongForFrame(payload.length, peerLimits.frameBytesMax);
      queue.writeFrame(FrameType.END, Flag.METADATA, call, 0, payload);
      this.finished++;
    } catch (cause) {
      this.failUnsendable(call, cause, spec);
    }
  }

  /** Ends a call whose answer, or an item of it, cannot be sent. */
  failUnsendable(call: number, cause: unknown, spec: MethodSpec): void {
    const text = `the answer of ${spec.name} cannot be sent: ${textOf(cause)}`;
    const known = cause instanceof RpcError ? cause : null;
    const code =
      known?.limit !== undefined ? 'RESOURCE_EXHAUSTED' : known?.code === 'UNAVAILABLE' ? known.code : 'INTERNAL';
    const failure = new RpcError(code, text, { started: 'yes', cause });
    this.host?.onHandlerError(failure, spec);
    this.fail(call, failure, 'yes');
  }

  /**
   * Ends a call with what its handler threw: an `RpcError` as it is, a declared one with its value; of anything else only
   * the fact, since its text was not written for a peer.
   */
  failThrown(call: number, error: unknown, spec: MethodSpec, context: CallContext): void {
    if (!(error instanceof RpcError)) this.host?.onHandlerError(error, spec);
    if (spec.kind === 'oneway') return;
    let failure = error instanceof RpcError ? error : new RpcError('INTERNAL', `the handler of ${spec.name} failed`);
    let detail: Buffer | null = null;
    let metadata: Buffer | null = null;
    try {
      detail = spec.declared === null ? null : spec.declared.toDetail(error);
      const { responseMetadata } = context;
      metadata = responseMetadata === null ? null : encodeMetadata(responseMetadata, this.link.peerLimits);
    } catch (cause) {
      failure = new RpcError('INTERNAL', `the failure of ${spec.name} cannot be sent: ${textOf(cause)}`, { cause });
      this.host?.onHandlerError(failure, spec);
    }
    this.fail(call, failure, 'yes', detail, metadata);
  }

  /** One FAILURE. `started`: whether this call's handler has begun, whatever the error says of another call. */
  fail(
    call: number,
    error: RpcError,
    started: Started,
    detail: Buffer | null = null,
    metadata: Buffer | null = null,
  ): void {
    const record = encodeFailure({
      code: RpcCodes[error.code],
      started,
      text: error.message,
      retryAfterMs: error.retryAfterMs ?? null,
      elsewhere: error.elsewhere,
      detail: fits(detail, this.link.peerLimits.frameBytesMax) ? detail : null,
    });
    const { queue } = this.link;
    if (metadata === null) {
      queue.writeFrame(FrameType.FAILURE, 0, call, 0, record);
      return;
    }
    const payload = withSize(metadata, record);
    if (fits(payload, this.link.peerLimits.frameBytesMax))
      queue.writeFrame(FrameType.FAILURE, Flag.METADATA, call, 0, payload);
    else queue.writeFrame(FrameType.FAILURE, 0, call, 0, record);
  }
}

/** FAILURE is one frame: a declared error or metadata that would not fit beside its text stays behind. */
const FAILURE_TEXT_ROOM_BYTES = 5 * 1024;

function fits(part: Buffer | null, frameBytesMax: number): boolean {
  return part === null || part.length <= frameBytesMax - FAILURE_TEXT_ROOM_BYTES;
}

/** Metadata as it stands in a prefix, and what follows it. */
function withSize(metadata: Buffer, rest: Buffer = EMPTY): Buffer {
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32LE(metadata.length);
  return Buffer.concat([size, metadata, rest]);
}

function tooLongForFrame(bytes: number, frameBytesMax: number): RpcError {
  const limit = { name: 'frameBytesMax', value: frameBytesMax, setting: 'limits.frameBytesMax of the peer' };
  return limitError(`${bytes} bytes of metadata do not fit one frame`, limit);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
