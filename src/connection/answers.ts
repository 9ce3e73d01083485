/**
 * The terminal frames of the callee: RESPONSE and FAILURE, and nothing else writes them. Whatever cannot be sent as it is
 * becomes a FAILURE that says so; nothing here throws.
 */
import { RpcCodes, RpcError, type Started } from '../base/errors.js';
import { Flag, FrameType } from '../wire/constants.js';
import type { MethodSpec } from '../wire/message-codec.js';
import { encodeFailure } from '../wire/records/failure.js';
import { encodeMetadata } from '../wire/records/metadata.js';
import type { CallContext } from './call-context.js';
import type { CallHost } from './call-host.js';
import { LATER, type LongMessage } from './frame-scheduler.js';
import type { Link } from './link.js';
import type { MethodCompression } from './method-compression.js';

export class Answers {
  /** Calls that ended with a RESPONSE. */
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
      const text = `the answer of ${spec.name} cannot be sent: ${textOf(cause)}`;
      const tooLong = cause instanceof RpcError && cause.limit !== undefined;
      const failure = new RpcError(tooLong ? 'RESOURCE_EXHAUSTED' : 'INTERNAL', text, { started: 'yes', cause });
      this.host?.onHandlerError(failure, spec);
      this.fail(call, failure, 'yes');
      return null;
    }
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
    const size = Buffer.allocUnsafe(4);
    size.writeUInt32LE(metadata.length);
    const payload = Buffer.concat([size, metadata, record]);
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

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
