/**
 * The terminal frames of the callee: RESPONSE and FAILURE, and nothing else writes them. Whatever cannot be sent as it is
 * becomes a FAILURE that says so; nothing here throws.
 */

import type { Started } from '../../base/codes.js';
import { RpcCodes } from '../../base/codes.js';
import { textOf } from '../../base/error-values.js';
import { type ErrorMetadata, limitError, partsOfThrown, RpcError, type ThrownParts } from '../../base/errors.js';
import { peerLimitOf } from '../../base/limits.js';
import { Flag, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodSpec } from '../../wire/message-codec.js';
import { prefixed } from '../../wire/prefix.js';
import { encodeFailure } from '../../wire/records/failure.js';
import { encodeMetadata, type Metadata, type MetadataLimits } from '../../wire/records/metadata.js';
import type { CallContext } from '../calls/call-context.js';
import type { CallHost } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { LATER, type LongMessage } from '../messages/frame-scheduler.js';
import type { DurationsWriter } from '../messages/message-sender.js';
import type { MethodCompression } from '../messages/method-compression.js';
import { CalleeLedgers } from './callee-ledgers.js';

const EMPTY = Buffer.alloc(0);

export class Answers {
  /** Calls that ended with a RESPONSE or END. */
  finished = 0;
  readonly ledgers: CalleeLedgers;

  constructor(
    private readonly link: Link,
    private readonly host: CallHost | null,
  ) {
    this.ledgers = new CalleeLedgers(link.clock);
  }

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
      const { response } = spec;
      const { ledgers } = this;
      const long = ledgers.has(call)
        ? this.respondMeasured(call, response, value, metadata, compression)
        : link.sender.send(FrameType.RESPONSE, 0, call, 0, response, value, -1, metadata, compression);
      if (long !== LATER) this.finished++;
      return long;
    } catch (cause) {
      this.failUnsendable(call, cause, spec);
      return null;
    }
  }

  private respondMeasured(
    call: number,
    codec: MessageCodec,
    value: unknown,
    metadata: Buffer | null,
    compression: MethodCompression,
  ): LongMessage | null {
    const { ledgers } = this;
    ledgers.beginEncoding(call);
    const write: DurationsWriter = (into, at) => ledgers.write(call, into, at);
    const long = this.link.sender.sendMeasured(call, codec, value, metadata, compression, write);
    if (long !== LATER) ledgers.forget(call);
    return long;
  }

  /** Ends a stream: every item of it has been written. */
  end(call: number, spec: MethodSpec, context: CallContext): void {
    const { queue, peerLimits } = this.link;
    const { responseMetadata } = context;
    const durations = this.ledgers.finish(call);
    const ledgerFlag = durations === null ? 0 : Flag.LEDGER;
    if (responseMetadata === null) {
      queue.writeFrame(FrameType.END, ledgerFlag, call, 0, durations ?? EMPTY);
      this.finished++;
      return;
    }
    try {
      const payload = prefixed(durations, encodeMetadata(responseMetadata, peerLimits));
      if (payload.length > peerLimits.frameBytesMax) throw tooLongForFrame(payload.length, peerLimits.frameBytesMax);
      queue.writeFrame(FrameType.END, Flag.METADATA | ledgerFlag, call, 0, payload);
      this.finished++;
    } catch (cause) {
      this.failUnsendable(call, cause, spec);
    }
  }

  /**
   * Ends a call whose answer, or an item of it, cannot be sent. Why is for the server alone, since that text may hold values of the
   * answer; the caller learns at most the limit that was hit.
   */
  failUnsendable(call: number, cause: unknown, spec: MethodSpec): void {
    const text = `the answer of ${spec.name} cannot be sent: ${textOf(cause)}`;
    const known = cause instanceof RpcError ? cause : null;
    const limited = known?.limit !== undefined;
    const code = limited ? 'RESOURCE_EXHAUSTED' : known?.code === 'UNAVAILABLE' ? known.code : 'INTERNAL';
    this.host?.onHandlerError(new RpcError(code, text, { started: 'yes', cause }), spec);
    this.fail(call, new RpcError(code, limited ? text : `the answer of ${spec.name} cannot be sent`), 'yes');
  }

  /**
   * Ends a call with what its handler threw: an `RpcError` with its code, text, hints and metadata, a declared one with its value; of
   * anything else only the fact, since its text was not written for a peer.
   */
  failThrown(call: number, error: unknown, spec: MethodSpec, context: CallContext): void {
    const parts = error instanceof RpcError ? partsOfThrown(error) : null;
    if (parts === null) this.host?.onHandlerError(error, spec);
    if (spec.kind === 'oneway') return;
    if (parts === null) {
      this.failThrownParts(call, unexpected(`the handler of ${spec.name} failed`), null, spec, context);
      return;
    }
    let detail: Buffer | null = null;
    try {
      detail = spec.declared === null ? null : spec.declared.toDetail(error);
    } catch (cause) {
      const text = `the declared error of ${spec.name} cannot be sent: ${textOf(cause)}`;
      this.host?.onHandlerError(new RpcError('INTERNAL', text, { started: 'yes', cause }), spec);
      this.failThrownParts(call, unexpected(`the handler of ${spec.name} failed`), null, spec, context);
      return;
    }
    this.failThrownParts(call, parts, detail, spec, context);
  }

  /** Metadata that cannot travel stays behind, and the server is told. */
  private failThrownParts(
    call: number,
    parts: ThrownParts,
    detail: Buffer | null,
    spec: MethodSpec,
    { responseMetadata }: CallContext,
  ): void {
    let metadata: Buffer | null = null;
    try {
      const { wrongMetadata } = parts;
      if (wrongMetadata !== null) throw new RpcError('INVALID_ARGUMENT', wrongMetadata);
      metadata = encodeFailureMetadata(responseMetadata, parts.metadata, this.link.peerLimits);
    } catch (cause) {
      const text = `the metadata of an error of ${spec.name} cannot be sent: ${textOf(cause)}`;
      this.host?.onHandlerError(new RpcError('INTERNAL', text, { started: 'yes', cause }), spec);
    }
    this.writeThrown(call, parts, parts.refused ? 'no' : 'yes', detail, metadata);
  }

  /** One FAILURE. `started`: whether this call's handler has begun, whatever the error says of another call. */
  fail(call: number, error: RpcError, started: Started): void {
    const parts = partsOfThrown(error) ?? unexpected('the call failed');
    this.writeThrown(call, parts, started, null, null);
  }

  private writeThrown(
    call: number,
    { code, text, retryAfterMs, elsewhere }: ThrownParts,
    started: Started,
    detail: Buffer | null,
    metadata: Buffer | null,
  ): void {
    const record = encodeFailure({
      code: RpcCodes[code],
      started,
      text,
      retryAfterMs,
      elsewhere,
      detail: fits(detail, this.link.peerLimits.frameBytesMax) ? detail : null,
    });
    const durations = this.ledgers.finish(call);
    const whole = metadata === null ? null : prefixed(durations, metadata, record);
    if (whole !== null && fits(whole, this.link.peerLimits.frameBytesMax)) {
      const ledgerFlag = durations === null ? 0 : Flag.LEDGER;
      this.link.queue.writeFrame(FrameType.FAILURE, Flag.METADATA | ledgerFlag, call, 0, whole);
    } else {
      this.writeFailure(call, durations, record);
    }
  }

  /** One FAILURE whose record is encoded already: of a call that a busy server refuses. */
  refuse(call: number, record: Buffer): void {
    this.writeFailure(call, this.ledgers.finish(call), record);
  }

  private writeFailure(call: number, durations: Buffer | null, record: Buffer): void {
    const { queue } = this.link;
    if (durations === null) queue.writeFrame(FrameType.FAILURE, 0, call, 0, record);
    else queue.writeFrame(FrameType.FAILURE, Flag.LEDGER, call, 0, Buffer.concat([durations, record]));
  }
}

/** FAILURE is one frame: a declared error or metadata that would not fit beside its text stays behind. */
const FAILURE_TEXT_ROOM_BYTES = 5 * 1024;

function fits(part: Buffer | null, frameBytesMax: number): boolean {
  return part === null || part.length <= frameBytesMax - FAILURE_TEXT_ROOM_BYTES;
}

function tooLongForFrame(bytes: number, frameBytesMax: number): RpcError {
  return limitError(`${bytes} bytes of metadata do not fit one frame`, peerLimitOf({ frameBytesMax }, 'frameBytesMax'));
}

/** What the caller learns of an error whose text was not written for it. */
function unexpected(text: string): ThrownParts {
  const hints = { retryAfterMs: null, elsewhere: false, metadata: null, wrongMetadata: null };
  return { code: 'INTERNAL', text, ...hints, refused: false };
}

/** The metadata of the error in addition to what its handler had set; null: there is none. */
function encodeFailureMetadata(
  responseMetadata: Metadata | null,
  ofError: ErrorMetadata | null,
  limits: MetadataLimits,
): Buffer | null {
  if (ofError === null) return responseMetadata === null ? null : encodeMetadata(responseMetadata, limits);
  return encodeMetadata({ ...responseMetadata, ...ofError }, limits);
}
