/**
 * Methods that this side calls. A METHOD frame binds each to a number before its first call on this connection. When the callee answers
 * with other fingerprints, what it writes is resolved to this side's schemas; answers that arrive before its schema wait.
 * Used by `Caller`; METHOD frames come from `Connection`.
 */
import { limitError, RpcError } from '../../base/errors.js';
import { peerLimitOf } from '../../base/limits.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodSpec } from '../../wire/message-codec.js';
import { encodeMethod, type MethodRecord } from '../../wire/records/method.js';
import type { Link } from '../calls/link.js';
import { type MethodCompression, noCompression } from '../messages/method-compression.js';
import { type MethodState, transition } from './method-state.js';
import { emptyCodec, resolutionOf } from './resolution.js';
import type { SchemaExchange } from './schema-exchange.js';

export class OutgoingMethod {
  state: MethodState = 'declared';
  /** Why every call of the method fails; null: none does. */
  failure: RpcError | null = null;
  /** Responses may be decoded as they come: the state is `declared` or `ready`. */
  direct = true;
  /** Writes the body of REQUEST. */
  readonly body: MessageCodec;
  /** Reads responses, from whatever schema the callee writes them with. */
  response: MessageCodec;
  /** Reads declared errors; null when there are none that both sides know. */
  errors: MessageCodec | null;
  private waiting: (() => void)[] = [];

  constructor(
    readonly number: number,
    readonly spec: MethodSpec,
    /** Towards this peer; nothing is compressed until its HELLO says what it accepts. */
    public compression: MethodCompression,
  ) {
    // The messages of a caller's stream follow as items.
    this.body = spec.kind === 'clientStream' || spec.kind === 'duplex' ? emptyCodec : spec.request;
    this.response = spec.response;
    this.errors = spec.errors;
  }

  /** Runs `goOn` when the callee's schemas are known, or known not to come. Only while `resolving`. */
  whenResolved(goOn: () => void): void {
    this.waiting.push(goOn);
  }

  /** METHOD ANSWER was read: the callee's fingerprints differ. */
  resolving(): void {
    this.enter('resolving');
  }

  /** Every schema is resolved, or `failure` says why not. What waits goes on. */
  resolved(): void {
    this.enter(this.failure === null ? 'ready' : 'refused');
    const { waiting } = this;
    this.waiting = [];
    for (const goOn of waiting) goOn();
  }

  private enter(state: MethodState): void {
    this.state = transition(this.state, state);
    this.direct = state === 'ready';
  }
}

/** Stands for the method of a call that is not bound to one, so that no slot has to hold null. */
export const unboundMethod = new OutgoingMethod(
  -1,
  {
    ordinal: -1,
    name: '',
    kind: 'unary',
    request: emptyCodec,
    response: emptyCodec,
    errors: null,
    declared: null,
    idempotent: false,
    compression: 'off',
  },
  noCompression,
);

export class OutgoingMethods {
  /** By `MethodSpec.ordinal`. */
  readonly bound: (OutgoingMethod | undefined)[] = [];
  private readonly byNumber: OutgoingMethod[] = [];

  constructor(
    private readonly link: Link,
    private readonly schemas: SchemaExchange,
  ) {}

  /** Declares the method to the callee. Throws an `RpcError` when the callee accepts no more methods. */
  bind(spec: MethodSpec): OutgoingMethod {
    const { link } = this;
    const number = this.byNumber.length;
    if (number >= link.peerLimits.methodsMax) {
      const limit = peerLimitOf(link.peerLimits, 'methodsMax');
      throw limitError(`${spec.name} cannot be declared on this connection`, limit);
    }
    const method = new OutgoingMethod(number, spec, link.compressionFor(spec.compression));
    link.queue.writeFrame(FrameType.METHOD, 0, 0, number, encodeMethod(this.schemas.describe('DECLARE', spec)));
    this.byNumber.push(method);
    this.bound[spec.ordinal] = method;
    return method;
  }

  /** The peer's HELLO was read: it may accept compressed messages. */
  onHello(): void {
    for (const method of this.byNumber) method.compression = this.link.compressionFor(method.spec.compression);
  }

  /** METHOD ANSWER: the callee's own fingerprints, where they differ. */
  onAnswer(number: number, record: MethodRecord): void {
    const method = this.byNumber[number];
    if (method === undefined || method.state !== 'declared') {
      const why = method === undefined ? 'was not declared' : 'was answered';
      this.link.fail(CloseCode.PROTOCOL, `METHOD ANSWER for number ${number}, which ${why}`);
      return;
    }
    const { spec } = method;
    if (record.name !== spec.name || record.kind !== spec.kind) {
      this.link.fail(CloseCode.PROTOCOL, `METHOD ANSWER for number ${number} names another method than was declared`);
      return;
    }
    method.resolving();
    this.schemas.resolve(spec.response, record.response, resolutionOf, ({ codec, path, reason }) => {
      if (codec !== null) {
        method.response = codec;
      } else {
        const text = `the response of ${spec.name} cannot be read with this side's schema: ${path}: ${reason}`;
        method.failure = new RpcError('FAILED_PRECONDITION', text);
      }
      // Errors that cannot be resolved lose their typed detail; the method stays usable.
      this.schemas.resolve(spec.errors, record.errors, resolutionOf, (errors) => {
        // The connection may have ended meanwhile.
        if (method.state !== 'resolving') return;
        method.errors = errors.codec;
        method.resolved();
      });
    });
  }

  /** The connection is over. Only items of streams that have ended still wait for a schema; they can no longer be read. */
  close(reason: RpcError): void {
    for (const method of this.byNumber) {
      if (method.state !== 'resolving') continue;
      method.failure = reason;
      method.resolved();
    }
  }
}
