/**
 * Methods that this side calls: bound to a number by a METHOD frame before their first call on this connection. When the
 * callee answers with other fingerprints, what it writes is resolved to this side's schemas; responses that arrive before
 * its schema does wait in `waiting`.
 */
import { limitError, RpcError } from '../../base/errors.js';
import { peerLimitOf } from '../../base/limits.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodSpec, Resolution } from '../../wire/message-codec.js';
import { encodeMethod, type MethodRecord } from '../../wire/records/method.js';
import type { Link } from '../calls/link.js';
import type { MethodCompression } from '../messages/method-compression.js';
import { resolveText, resolveWithoutText } from './resolution.js';
import type { SchemaExchange } from './schema-exchange.js';

export class OutgoingMethod {
  /** `resolving`: the callee's schemas are on their way. `breaking`: its responses cannot be read, see `failure`. */
  state: 'ready' | 'resolving' | 'breaking' = 'ready';
  failure: RpcError | null = null;
  /** Reads responses, from whatever schema the callee writes them with. */
  response: MessageCodec;
  /** Reads declared errors; null when there are none that both sides know. */
  errors: MessageCodec | null;
  answered = false;
  /** Run once the state is `ready` or `breaking`. */
  waiting: (() => void)[] = [];

  constructor(
    readonly number: number,
    readonly spec: MethodSpec,
    /** Towards this peer; nothing is compressed until its HELLO says what it accepts. */
    public compression: MethodCompression,
  ) {
    this.response = spec.response;
    this.errors = spec.errors;
  }
}

export class OutgoingMethods {
  /** By `MethodSpec.ordinal`. */
  readonly bound: (OutgoingMethod | undefined)[] = [];
  private readonly byNumber: OutgoingMethod[] = [];

  constructor(
    private readonly link: Link,
    private readonly schemas: SchemaExchange,
  ) {}

  /** Declares the method to the callee. Throws when that accepts no more methods. */
  bind(spec: MethodSpec): OutgoingMethod {
    const { link } = this;
    const number = this.byNumber.length;
    if (number >= link.peerLimits.methodsMax) {
      const limit = peerLimitOf(link.peerLimits, 'methodsMax');
      throw limitError(`${spec.name} cannot be declared on this connection`, limit);
    }
    const method = new OutgoingMethod(number, spec, link.compressionFor(spec.compression));
    for (const codec of [spec.request, spec.response, spec.errors]) this.schemas.offer(codec);
    const payload = encodeMethod({
      role: 'DECLARE',
      name: spec.name,
      kind: spec.kind,
      request: spec.request.fingerprint,
      response: spec.response.fingerprint,
      errors: spec.errors?.fingerprint ?? null,
    });
    link.queue.writeFrame(FrameType.METHOD, 0, 0, number, payload);
    this.byNumber.push(method);
    this.bound[spec.ordinal] = method;
    return method;
  }

  /** The peer's HELLO is here: it may accept compressed messages. */
  onHello(): void {
    for (const method of this.byNumber) method.compression = this.link.compressionFor(method.spec.compression);
  }

  /** METHOD ANSWER: the callee's own fingerprints, where they differ. */
  onAnswer(number: number, record: MethodRecord): void {
    const method = this.byNumber[number];
    if (method === undefined || method.answered) {
      this.link.fail(
        CloseCode.PROTOCOL,
        `METHOD ANSWER for number ${number}, which ${method ? 'was answered' : 'was not declared'}`,
      );
      return;
    }
    if (record.name !== method.spec.name || record.kind !== method.spec.kind) {
      this.link.fail(CloseCode.PROTOCOL, `METHOD ANSWER for number ${number} names another method than was declared`);
      return;
    }
    method.answered = true;
    method.state = 'resolving';
    const { spec } = method;
    this.resolve(spec.response, record.response, (resolution) => {
      if (resolution.codec === null) {
        method.failure = new RpcError(
          'FAILED_PRECONDITION',
          `the response of ${spec.name} cannot be read with this side's schema: ${resolution.path}: ${resolution.reason}`,
        );
      } else {
        method.response = resolution.codec;
      }
      // Errors that cannot be resolved lose their typed detail, not the method.
      this.resolve(spec.errors, record.errors, (errors) => {
        method.errors = errors.codec;
        method.state = method.failure === null ? 'ready' : 'breaking';
        const { waiting } = method;
        method.waiting = [];
        for (const run of waiting) run();
      });
    });
  }

  /** The connection is over. What waits for a schema are streams that have ended, whose items can no longer be read. */
  close(reason: RpcError): void {
    for (const method of this.byNumber) {
      if (method.state !== 'resolving') continue;
      method.failure = reason;
      for (const run of method.waiting.splice(0)) run();
    }
  }

  private resolve(reader: MessageCodec | null, writer: Buffer | null, done: (resolution: Resolution) => void): void {
    const known = resolveWithoutText(reader, writer);
    if (known !== null) {
      done(known);
      return;
    }
    this.schemas.fetch(writer as Buffer, (text) => done(resolveText(reader as MessageCodec, text, writer)));
  }
}
