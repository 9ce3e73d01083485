/** The methods of the sessions in `spec/vectors`: the standard ones, and those that a session brings with their schemas. */
import { avroCodec } from '../../src/avro/codec/codec.js';
import { raw } from '../../src/avro/service/raw.js';
import type { Clock } from '../../src/base/clock.js';
import { RpcError } from '../../src/base/errors.js';
import type { CallContext } from '../../src/connection/calls/call-context.js';
import type { CallHost, HostedMethod } from '../../src/connection/calls/call-host.js';
import type { ItemStream } from '../../src/connection/streams/item-stream.js';
import {
  type MessageCodec,
  type MethodKind,
  type MethodSpec,
  methodKinds,
  nextMethodOrdinal,
} from '../../src/wire/message-codec.js';
import { kindSymbols } from './record-view.js';
import type { MethodView } from './vectors/view.js';

type Handler = (request: unknown, context: CallContext) => unknown;

const LATE_MS = 50;

/** As the README of the vectors describes them. */
function standardHandlers(clock: Clock): Readonly<Record<string, [kind: string, handler: Handler]>> {
  const echo: Handler = (request, context) => {
    if (Object.keys(context.metadata).length > 0) context.responseMetadata = context.metadata;
    return request;
  };
  return {
    echo: ['UNARY', echo],
    late: [
      'UNARY',
      (request, context) => new Promise((resolve) => clock.setTimer(() => resolve(echo(request, context)), LATE_MS)),
    ],
    fail: [
      'UNARY',
      (request) => {
        throw new RpcError('NOT_FOUND', String(request));
      },
    ],
    hang: ['UNARY', () => new Promise(() => {})],
    grow: ['UNARY', (request) => Buffer.alloc((request as Buffer).readUInt32LE(), 'a')],
    note: ['ONEWAY', () => undefined],
    ...streamHandlers,
  };
}

const never = (): Promise<never> => new Promise(() => {});

/** The streams among them. */
const streamHandlers: Readonly<Record<string, [kind: string, handler: Handler]>> = {
  count: ['SERVER_STREAM', (request) => Array.from({ length: (request as Buffer)[0] ?? 0 }, (_, n) => Buffer.of(n))],
  pour: [
    'SERVER_STREAM',
    function* (request) {
      const [count, size] = [(request as Buffer).readUInt32LE(0), (request as Buffer).readUInt32LE(4)];
      for (let sent = 0; sent < count; sent++) yield Buffer.alloc(size, 'a');
    },
  ],
  silent: [
    'SERVER_STREAM',
    async function* () {
      yield await never();
    },
  ],
  concat: [
    'CLIENT_STREAM',
    async (items) => {
      const parts: Buffer[] = [];
      for await (const item of items as ItemStream<Buffer>) parts.push(item);
      return Buffer.concat(parts);
    },
  ],
  swallow: [
    'CLIENT_STREAM',
    async (items) => {
      for await (const _item of items as ItemStream<Buffer>);
      return never();
    },
  ],
  chat: [
    'DUPLEX',
    async function* (items) {
      yield* items as ItemStream<Buffer>;
    },
  ],
  mirror: ['BLOB', (request) => request],
};

function codecOf(schema: unknown): MessageCodec {
  return schema === null ? (raw as MessageCodec) : avroCodec(schema);
}

function specOf(view: MethodView): MethodSpec {
  return {
    ordinal: nextMethodOrdinal(),
    name: view.name,
    kind: methodKinds[kindSymbols.indexOf(view.kind as (typeof kindSymbols)[number])] as MethodKind,
    request: codecOf(view.request),
    response: codecOf(view.response),
    errors: null,
    declared: null,
    idempotent: false,
    compression: undefined,
  };
}

function handlerOf({ does, value }: MethodView): Handler {
  return does === 'json' ? (request) => JSON.stringify(request) : () => value;
}

export class SessionMethods implements CallHost {
  /** What oneway handlers were given, by method. */
  readonly handled: [method: string, request: Buffer][] = [];
  /** What handlers threw that is no `RpcError`. */
  readonly errors: unknown[] = [];
  private readonly hosted = new Map<string, HostedMethod>();
  private readonly called = new Map<string, MethodSpec>();

  /** `views`: in place of the standard methods. */
  constructor(clock: Clock, views: readonly MethodView[] | undefined) {
    if (views !== undefined) {
      for (const view of views) this.add(specOf(view), handlerOf(view));
      return;
    }
    for (const [name, [kind, handler]] of Object.entries(standardHandlers(clock))) {
      this.add(specOf({ name: `test.Echo/${name}`, kind, request: null, response: null, errors: null }), handler);
    }
    const nothing = specOf({ name: 'test.Echo/nothing', kind: 'UNARY', request: null, response: null, errors: null });
    this.called.set(nothing.name, nothing);
  }

  /** The definition with which this side calls a method. */
  spec(name: string): MethodSpec {
    const spec = this.called.get(name);
    if (spec === undefined) throw new Error(`the session calls ${name}, which it does not define`);
    return spec;
  }

  lookup(name: string): HostedMethod | null {
    return this.hosted.get(name) ?? null;
  }

  onHandlerError(error: unknown): void {
    this.errors.push(error);
  }

  private add(spec: MethodSpec, handler: Handler): void {
    this.called.set(spec.name, spec);
    this.hosted.set(spec.name, {
      spec,
      invoke: (request, context) => {
        if (spec.kind === 'oneway') this.handled.push([spec.name, request as Buffer]);
        return handler(request, context);
      },
    });
  }
}
