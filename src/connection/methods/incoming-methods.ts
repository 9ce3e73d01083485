/**
 * Methods that the peer calls: its METHOD frames declare them, the host has their handlers. Where the fingerprints differ, both
 * directions are graded before a handler runs: can this side read the caller's requests, and can the caller read the responses?
 * Calls wait in `waiting` until the schemas are here. Used by `Callee`; METHOD frames come from `Connection`.
 */
import { RpcError } from '../../base/errors.js';
import { describeLimit, limitOf } from '../../base/limits.js';
import { CloseCode, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodKind, MethodSpec } from '../../wire/message-codec.js';
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
  /** What the caller was told, or may conclude, of the schemas here; null: nothing yet. */
  told: MethodSpec | null = null;
  /** Run with this method once it is `ready` or `refused`. */
  waiting = new Set<(method: IncomingMethod) => void>();

  constructor(
    readonly hosted: HostedMethod | null,
    readonly record: MethodRecord,
  ) {}

  /** As the caller declared it: says which frames its calls have. */
  get kind(): MethodKind {
    return this.record.kind;
  }

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
    this.direct = false;
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
  private readonly unwatch: (() => void) | null;

  constructor(
    private readonly link: Link,
    private readonly schemas: SchemaExchange,
    private readonly host: CallHost | null,
  ) {
    this.unwatch = host?.watch?.(() => this.onServicesChanged()) ?? null;
  }

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
    this.bind(number, record, this.host?.lookup(record.name) ?? null, null);
  }

  /** `told`: what the caller knows of the schemas here, from an earlier time at which the method was served; null: nothing. */
  private bind(number: number, record: MethodRecord, hosted: HostedMethod | null, told: MethodSpec | null): void {
    const { link } = this;
    const method = new IncomingMethod(hosted, record);
    this.declared[number] = method;
    method.told = told;
    if (hosted === null) {
      method.refuse(notServed(record.name));
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
    method.told = spec;
    if (sameFingerprints(hosted, record)) method.ready();
    else this.negotiate(number, method, hosted, told === null);
  }

  /**
   * A service was added or removed. Calls that run go on. A caller that was told of other schemas than those that are served now reads
   * answers with them, so it is asked to connect again.
   */
  private onServicesChanged(): void {
    for (const [number, method] of this.declared.entries()) {
      if (method === undefined) continue;
      const { record, told } = method;
      const hosted = this.host?.lookup(record.name) ?? null;
      if (hosted === method.hosted) continue;
      if (hosted === null) {
        if (method.state !== 'refused') method.refuse(notServed(record.name));
        // The next service of this name is another one, even if it is the same object.
        this.bind(number, record, null, method.told);
      } else if (told === null || sameSchemas(told, hosted.spec)) {
        this.bind(number, record, hosted, told);
      } else {
        this.link.drain(`${hosted.spec.name} is served with other schemas now`, Infinity);
        return;
      }
    }
  }

  private negotiate(number: number, method: IncomingMethod, hosted: HostedMethod, answer: boolean): void {
    const { spec } = hosted;
    const { record } = method;
    const { schemas } = this;
    const own = encodeMethod(schemas.describe('ANSWER', spec));
    if (answer) this.link.queue.writeFrame(FrameType.METHOD, 0, 0, number, own);
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
    this.unwatch?.();
    for (const method of this.declared) if (method?.state === 'resolving') method.refuse(reason);
  }
}

function notServed(name: string): RpcError {
  const shown = JSON.stringify(name.slice(0, NAME_SHOWN_MAX));
  return new RpcError('UNIMPLEMENTED', `no method ${shown} is served here`, { elsewhere: true });
}

function sameSchemas(a: MethodSpec, b: MethodSpec): boolean {
  return (
    a.kind === b.kind &&
    same(a.request.fingerprint, b.request.fingerprint) &&
    same(a.response.fingerprint, b.response.fingerprint) &&
    same(a.errors?.fingerprint ?? null, b.errors?.fingerprint ?? null)
  );
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
