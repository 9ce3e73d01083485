/**
 * The methods that hostile peers call, and their handlers: one of each way in which a handler can answer. Handlers that end
 * later are kept in `Work`, so that a test decides when they end and can see that none is left.
 */
import { avroCodec } from '../../src/avro/codec/codec.js';
import type { CallContext } from '../../src/connection/calls/call-context.js';
import type { CallHost, HostedMethod } from '../../src/connection/calls/call-host.js';
import {
  blob,
  clientStream,
  DeclaredError,
  defineService,
  duplex,
  type IncomingBlob,
  type ItemStream,
  type OutgoingBlob,
  oneway,
  RpcError,
  raw,
  serverStream,
  unary,
} from '../../src/index.js';
import type { MessageCodec, MethodSpec } from '../../src/wire/message-codec.js';

const noteFields = [
  { name: 'id', type: 'long' },
  { name: 'text', type: 'string' },
  { name: 'tags', type: { type: 'array', items: 'string' } },
] as const;

export const Note = { type: 'record', name: 'h.Note', fields: noteFields } as const;
export const Oops = { type: 'error', name: 'h.Oops', fields: [{ name: 'why', type: 'string' }] } as const;

/** A field more: read both ways. */
export const noteOfAnotherVersion: MessageCodec = avroCodec({
  ...Note,
  fields: [...noteFields, { name: 'more', type: 'int' }],
});
/** A field of another type: read neither way. */
export const noteThatBreaks: MessageCodec = avroCodec({ ...Note, fields: [{ name: 'id', type: 'string' }] });

export const Hostile = defineService('h.S', {
  bytes: unary({ request: raw, response: raw }),
  later: unary({ request: raw, response: raw }),
  hang: unary({ request: raw, response: raw }),
  fail: unary({ request: raw, response: raw, errors: [Oops] }),
  grow: unary({ request: raw, response: raw }),
  note: unary({ request: Note, response: Note }),
  hit: oneway({ request: raw }),
  work: oneway({ request: raw }),
  down: serverStream({ request: raw, response: raw }),
  list: serverStream({ request: raw, response: Note }),
  flow: serverStream({ request: raw, response: raw }),
  up: clientStream({ request: raw, response: raw }),
  notes: clientStream({ request: Note, response: raw }),
  pile: clientStream({ request: raw, response: raw }),
  chat: duplex({ request: raw, response: raw }),
  talk: duplex({ request: Note, response: Note }),
  file: blob({ request: raw, response: raw }),
  paper: blob({ request: Note, response: Note }),
});

/** An item of `flow`, which has no end. */
const FLOW_BYTES = 4_096;
const aNote = { id: 1, text: 'an item', tags: ['one'] };

export type MethodName = keyof typeof Hostile.methods;

/** Handlers that have begun and wait for the test. */
export class Work {
  /** Handlers that were run. */
  begun = 0;
  /** Bytes that `grow` answered with, beyond what it was sent. */
  grownBytes = 0;
  private readonly waiting: (() => void)[] = [];

  wait<T>(value: T): Promise<T> {
    return new Promise((resolve) => this.waiting.push(() => resolve(value)));
  }

  get length(): number {
    return this.waiting.length;
  }

  /** Lets all that wait end. */
  finish(): void {
    for (const end of this.waiting.splice(0)) end();
  }
}

const GROWN_BYTES = 128;

type Handler = (request: never, context: CallContext) => unknown;

async function lengthOf(items: ItemStream<unknown>): Promise<Buffer> {
  let count = 0;
  for await (const _item of items) count++;
  return Buffer.of(count & 0xff);
}

function handlersOf(work: () => Work): Readonly<Record<MethodName, Handler>> {
  return {
    bytes: (request: Buffer, context) => {
      if (Object.keys(context.metadata).length > 0) context.responseMetadata = context.metadata;
      return request;
    },
    later: (request: Buffer) => work().wait(request),
    hang: (_request, context) =>
      new Promise((_resolve, reject) => {
        const stop = (): void => reject(context.signal.reason as Error);
        if (context.signal.aborted) stop();
        else context.signal.addEventListener('abort', stop, { once: true });
      }),
    fail: (request: Buffer) => {
      if (request.length > 2) throw new Error('the handler is broken');
      if (request.length > 1) throw new RpcError('ABORTED', 'the handler gave up', { retryAfterMs: 5 });
      throw new DeclaredError('h.Oops', { why: 'as declared' });
    },
    grow: (request: Buffer) => {
      const bytes = (request[0] ?? 0) * GROWN_BYTES;
      work().grownBytes += bytes;
      return Buffer.alloc(bytes, 'g');
    },
    note: (request: unknown) => request,
    hit: () => undefined,
    work: () => work().wait(undefined),
    down: async function* (request: Buffer) {
      for (const byte of request) {
        if (byte < 16) await work().wait(undefined);
        yield Buffer.alloc(byte, 'd');
      }
    },
    list: (request: Buffer, context) => {
      if (request.length > 8) context.responseMetadata = { many: 'yes' };
      return Array.from({ length: request.length }, () => aNote);
    },
    flow: function* (): Generator<Buffer> {
      for (const item = Buffer.alloc(FLOW_BYTES, 'f'); ; ) yield item;
    },
    up: lengthOf,
    notes: lengthOf,
    pile: () => work().wait(Buffer.alloc(0)),
    chat: async function* (items: ItemStream<Buffer>) {
      for await (const item of items) {
        if (item.length > 30) return;
        yield item;
      }
    },
    file: ({ head, body }: IncomingBlob<Buffer>): OutgoingBlob => ({ head, body }),
    paper: async ({ head, body }: IncomingBlob): Promise<OutgoingBlob> => {
      const bytes = await body.buffer({ bytesMax: 10_000 });
      return { head, body: bytes.length > 30 ? [bytes.subarray(30), bytes] : bytes };
    },
    talk: async function* (items: ItemStream<unknown>) {
      for await (const batch of items.batches()) yield* batch;
    },
  };
}

/** A host of these methods. `work` gives the work of the run that is on at the moment. */
export function hostOf(work: () => Work, onHandlerError: (error: unknown) => void): CallHost {
  const hosted = new Map<string, HostedMethod>();
  const handlers = handlersOf(work);
  for (const [name, spec] of Object.entries(Hostile.methods) as [MethodName, MethodSpec][]) {
    const handler = handlers[name] as (request: unknown, context: CallContext) => unknown;
    const invoke = (request: unknown, context: CallContext): unknown => {
      work().begun++;
      return handler(request, context);
    };
    hosted.set(spec.name, { spec, invoke });
  }
  return { lookup: (name) => hosted.get(name) ?? null, onHandlerError };
}
