/**
 * Methods that the peer calls: its METHOD frames declare them, the host has their handlers. Where the fingerprints differ, both
 * directions are graded before a handler runs: can this side read the caller's requests, and can the caller read the responses?
 * Calls wait in `waiting` until the schemas are here. Used by `Callee`; METHOD frames come from `Connection`.
 */
import { RpcError } from '../../base/errors.js';
import { describeLimit, limitOf } from '../../base/limits.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodKind } from '../../wire/message-codec.js';
import { encodeMethod, type MethodRecord } from '../../wire/records/method.js';
import type { CallHost, HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { type MethodCompression, noCompression } from '../messages/method-compression.js';
import { type MethodState, transition } from './method-state.js';
import { gradeOf, resolutionOf } from './resolution.js';
import type { SchemaExchange } from './schema-exchange.js';

/** Longer method names are cut in error texts. */
const NAME_SHOWN_MAX = 100;

export class IncomingMethod {
  state: MethodState = 'declared';
  /** Why every call of the method fails; null unless the state is `refused`. */
  failure: RpcError | null = null;
  /** Reads requests, from whatever schema the caller writes them with. */
  request: MessageCodec | null = null;
  compression: MethodCompression = noCompression;
  private direct = false;
  /** Run with this method once it is `ready` or `refused`. */
  waiting = new Set<(method: IncomingMethod) => void>();

  constructor(
    readonly hosted: HostedMethod | null,
    /** As the caller declared it: says which frames its calls have. */
    readonly kind: MethodKind,
  ) {}

  /** Calls wait for schemas. */
  resolving(): void {
    this.state = transition(this.state, 'resolving');
  }

  /** Its messages can be read in both directions. */
  ready(): void {
    this.state = transition(this.state, 'ready');
    this.direct = this.hosted?.spec.kind === 'unary';
    this.resumeWaiting();
  }

  /** Its calls may run. */
  isReady(): this is ReadyMethod {
    return this.state === 'ready';
  }

  /** A REQUEST without flags may run at once: the method is ready, and its kind is unary. */
  isDirect(): this is ReadyMethod {
    return this.direct;
  }

  /** Every call fails with `failure`. */
  refuse(failure: RpcError): void {
    this.state = transition(this.state, 'refused');
    this.failure = failure;
    this.resumeWaiting();
  }

  private resumeWaiting(): void {
    const { waiting } = this;
    if (waiting.size === 0) return;
    this.waiting = new Set();
    for (const resume of waiting) resume(this);
  }
}

/** A method whose calls may run: its handler and what reads its requests are known. */
export type ReadyMethod = IncomingMethod & { readonly hosted: HostedMethod; readonly request: MessageCodec };

export class IncomingMethods {
  /** By the number that the peer gave. */
  readonly declared: (IncomingMethod | undefined)[] = [];

  constructor(
    private readonly link: Link,
    private readonly schemas: SchemaExchange,
    private readonly host: CallHost | null,
  ) {}

  /** METHOD DECLARE. */
  onDeclare(number: number, record: MethodRecord): void {
    const { link } = this;
    if (number >= link.limits.methodsMax) {
      const text = describeLimit(`method number ${number}`, limitOf(link.limits, 'methodsMax'));
      link.fail(CloseCode.PROTOCOL, text);
      return;
    }
    if (this.declared[number] !== undefined) {
      link.fail(CloseCode.PROTOCOL, `method number ${number} was declared twice`);
      return;
    }
    const hosted = this.host?.lookup(record.name) ?? null;
    const method = new IncomingMethod(hosted, record.kind);
    this.declared[number] = method;
    if (hosted === null) {
      const shown = record.name.slice(0, NAME_SHOWN_MAX);
      method.refuse(
        new RpcError('UNIMPLEMENTED', `no method ${JSON.stringify(shown)} is served here`, { elsewhere: true }),
      );
      return;
    }
    const { spec } = hosted;
    if (spec.kind !== record.kind) {
      const text = `${spec.name} is ${spec.kind} here, the caller declared it ${record.kind}`;
      method.refuse(new RpcError('FAILED_PRECONDITION', text));
      return;
    }
    method.request = spec.request;
    method.compression = link.compressionFor(spec.compression);
    if (sameFingerprints(hosted, record)) method.ready();
    else this.negotiate(number, method, hosted, record);
  }

  private negotiate(number: number, method: IncomingMethod, hosted: HostedMethod, record: MethodRecord): void {
    const { spec } = hosted;
    const { schemas } = this;
    this.link.queue.writeFrame(FrameType.METHOD, 0, 0, number, encodeMethod(schemas.describe('ANSWER', spec)));
    method.resolving();
    schemas.resolve(spec.request, record.request, resolutionOf, (request) => {
      schemas.resolve(spec.response, record.response, gradeOf, (response) => {
        // The connection may have ended meanwhile.
        if (method.state !== 'resolving') return;
        const breaking = request.grade === 'breaking' ? request : response.grade === 'breaking' ? response : null;
        if (breaking !== null) {
          const part = breaking === request ? 'request' : 'response';
          const text = `the schemas of ${spec.name} do not fit: ${part}: ${breaking.path}: ${breaking.reason}`;
          method.refuse(new RpcError('FAILED_PRECONDITION', text));
        } else {
          method.request = request.codec;
          method.ready();
        }
      });
    });
  }

  /** The connection is over: schemas that are on their way never come, and calls that wait for them end. */
  close(reason: RpcError): void {
    for (const method of this.declared) if (method?.state === 'resolving') method.refuse(reason);
  }
}

function sameFingerprints(hosted: HostedMethod, record: MethodRecord): boolean {
  const { request, response, errors } = hosted.spec;
  return (
    same(request.fingerprint, record.request) &&
    same(response.fingerprint, record.response) &&
    same(errors?.fingerprint ?? null, record.errors)
  );
}

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
