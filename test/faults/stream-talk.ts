/**
 * Streams byte by byte: a server or a client whose other side is the test, which writes and reads frames by hand. There is
 * no network and no time between the two, so an expectation is looked at when everything has come to rest.
 */
import * as assert from 'uvu/assert';
import {
  type ChannelOptions,
  type Client,
  type ClientChannel,
  clientStream,
  connect,
  defineService,
  duplex,
  type Handlers,
  type RpcCode,
  RpcCodes,
  raw,
  Server,
  type ServerOptions,
  serverStream,
  unary,
} from '../../src/index.js';
import { CloseCode } from '../../src/wire/index.js';
import { NarrowTransport } from '../rpc/narrow-transport.js';
import { callNumber, type Frame, type FrameFields, frame, u32 } from '../support/frames.js';
import { type FailureRecord, type HelloRecord, readRecord, writeRecord } from '../support/records.js';

export const Streams = defineService('test.Streams', {
  echo: unary({ request: raw, response: raw }),
  down: serverStream({ request: raw, response: raw }),
  up: clientStream({ request: raw, response: raw }),
  chat: duplex({ request: raw, response: raw }),
});

export type StreamName = keyof typeof Streams.methods;
export type StreamHandlers = Handlers<typeof Streams>;

/** The numbers by which the test calls them. */
export const numbers = { echo: 0, down: 1, up: 2, chat: 3 } as const;
const kinds = { echo: 'UNARY', down: 'SERVER_STREAM', up: 'CLIENT_STREAM', chat: 'DUPLEX' } as const;

/** Handlers that do what their names say, some of them replaced: `down` sends its request's bytes one by one. */
export function streamHandlers(replaced: Partial<StreamHandlers> = {}): StreamHandlers {
  return {
    echo: (bytes) => bytes,
    *down(bytes) {
      for (const byte of bytes) yield Buffer.of(byte);
    },
    async up(items) {
      const parts: Buffer[] = [];
      for await (const item of items) parts.push(item);
      return Buffer.concat(parts);
    },
    async *chat(items) {
      yield* items;
    },
    ...replaced,
  };
}

/** A handler that takes nothing and never ends. */
export const never = (): Promise<never> => new Promise(() => {});

/** Everything that can move has moved. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** What both sides of a dialogue have in common. */
export class StreamPeer {
  readonly transport = new NarrowTransport();
  /** Frames that an expectation has taken. */
  private taken = 0;

  /** Sends the frames as one chunk. */
  send(...frames: readonly Buffer[]): void {
    this.transport.send(...frames);
  }

  /** What has come since the last look, once everything has come to rest. */
  async frames(): Promise<Frame[]> {
    await rest();
    do await rest();
    while (this.transport.read() > 0);
    const { frames } = this.transport;
    const fresh = frames.slice(this.taken);
    this.taken = frames.length;
    return fresh.filter(({ name }) => name !== 'METHOD' && name !== 'HELLO');
  }

  /** The same without CREDIT. */
  async answers(): Promise<Frame[]> {
    return (await this.frames()).filter(({ name }) => name !== 'CREDIT');
  }

  /** CLOSE with this code is all that comes. */
  async expectClose(code: keyof typeof CloseCode): Promise<void> {
    const frames = await this.answers();
    const last = frames.at(-1);
    const close = last?.name === 'CLOSE' ? readRecord('CLOSE', last.payload) : null;
    const codes = Object.entries(CloseCode);
    const found = close === null ? 'no CLOSE' : codes.find(([, number]) => number === close.code)?.[0];
    assert.is(found, code, `${close?.text ?? namesOf(frames)}`);
  }

  /** One FAILURE for this call is all that comes. */
  async expectFailure(call: number, code: RpcCode, started: FailureRecord['started']): Promise<FailureRecord> {
    const frames = await this.answers();
    assert.equal(namesOf(frames), ['FAILURE']);
    const [failure] = frames as [Frame];
    assert.is(failure.call, call);
    const record = readRecord('FAILURE', failure.payload);
    assert.equal({ code: record.code, started: record.started }, { code: RpcCodes[code], started }, record.text);
    return record;
  }
}

export function namesOf(frames: readonly Frame[]): string[] {
  return frames.map(({ name }) => name);
}

export function item(call: number, payload: Buffer | string = 'i', flags = 0): Buffer {
  return frame('ITEM', { call, payload, flags });
}

export function end(call: number, fields: FrameFields = {}): Buffer {
  return frame('END', { call, ...fields });
}

export function credit(call: number, bytes: number): Buffer {
  return frame('CREDIT', { call, payload: u32(bytes) });
}

export function cancel(call: number): Buffer {
  return frame('CANCEL', { call, payload: writeRecord('CANCEL', { code: 1, text: '' }) });
}

/** A caller by hand of a real server. */
export class HandCaller extends StreamPeer {
  readonly server: Server;
  private probes = 0;

  private constructor(handlers: Partial<StreamHandlers>, options: ServerOptions) {
    super();
    this.server = new Server({ onHandlerError: () => {}, ...options }).add(Streams, streamHandlers(handlers));
    this.server.accept(this.transport);
  }

  /** Greeted, all methods declared. */
  static async open(
    handlers: Partial<StreamHandlers> = {},
    options: ServerOptions = {},
    hello: Partial<HelloRecord['limits']> = {},
  ): Promise<HandCaller> {
    const caller = new HandCaller(handlers, options);
    caller.transport.sendPreface({ limits: hello });
    for (const name of Object.keys(numbers) as StreamName[]) {
      const record = { role: 'DECLARE', name: `test.Streams/${name}`, kind: kinds[name] } as const;
      const payload = writeRecord('METHOD', { ...record, request: null, response: null, errors: null });
      caller.send(frame('METHOD', { method: numbers[name], payload }));
    }
    await caller.frames();
    return caller;
  }

  /** The connection still answers. */
  async expectAlive(): Promise<void> {
    const call = callNumber(999, ++this.probes);
    this.send(frame('REQUEST', { call, method: numbers.echo, payload: 'alive' }));
    const frames = await this.answers();
    assert.equal(namesOf(frames), ['RESPONSE']);
    assert.is(frames[0]?.payload.toString(), 'alive');
  }

  async close(): Promise<void> {
    this.transport.destroy();
    await this.server.close();
  }
}

/** The REQUEST of a call by hand. */
export function request(name: StreamName, slot = 0, generation = 1, fields: FrameFields = {}): Buffer {
  return frame('REQUEST', { call: callNumber(slot, generation), method: numbers[name], ...fields });
}

/** A callee by hand of a real client. */
export class HandCallee extends StreamPeer {
  private constructor(
    readonly channel: ClientChannel,
    readonly client: Client<typeof Streams>,
  ) {
    super();
  }

  static async open(options: ChannelOptions = {}, hello: Partial<HelloRecord['limits']> = {}): Promise<HandCallee> {
    let transport: NarrowTransport | null = null;
    const channel = connect('tcp://narrow:1', {
      ...options,
      dial: async () => transport as unknown as NarrowTransport,
    });
    const callee = new HandCallee(channel, channel.client(Streams));
    transport = callee.transport;
    const ready = channel.ready();
    await rest();
    callee.transport.sendPreface({ limits: hello });
    await ready;
    await callee.frames();
    return callee;
  }

  /** A call is made and answered as the first of its slot. */
  async expectAlive(): Promise<void> {
    const answer = this.client.echo(Buffer.from('alive?'));
    const asked = (await this.answers()).find(({ name }) => name === 'REQUEST');
    this.send(frame('RESPONSE', { call: asked?.call ?? 0, payload: 'alive' }));
    assert.is(String(await answer), 'alive');
  }

  async close(): Promise<void> {
    this.transport.destroy();
    await this.channel.close();
  }
}
