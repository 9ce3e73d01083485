/** A service with streams of every kind, its two ends, and what tests of streams ask again and again. */
import {
  type ChannelOptions,
  type Client,
  type ClientChannel,
  clientStream,
  connect,
  defineService,
  duplex,
  type Handlers,
  raw,
  Server,
  type ServerOptions,
  serverStream,
} from '../../src/index.js';

export const Item = {
  type: 'record',
  name: 'test.Item',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'text', type: 'string', default: '' },
  ],
} as const;

const Refused = { type: 'error', name: 'test.Refused', fields: [{ name: 'at', type: 'int' }] } as const;

export const Streams = defineService('test.Streams', {
  down: serverStream({ request: 'int', response: Item, errors: [Refused] }),
  up: clientStream({ request: Item, response: 'long', errors: [Refused] }),
  both: duplex({ request: Item, response: Item, errors: [Refused] }),
  rawDown: serverStream({ request: raw, response: raw }),
  rawBoth: duplex({ request: raw, response: raw }),
});

export type StreamHandlers = Handlers<typeof Streams>;

/** Items 0 to below `count`. */
export function* itemsTo(count: number, text = ''): Generator<{ id: number; text: string }> {
  for (let id = 0; id < count; id++) yield { id, text };
}

/** `down` gives so many items, `up` adds the ids, `both` and `rawBoth` echo. */
const usual: StreamHandlers = {
  down: (count) => itemsTo(count),
  async up(items) {
    let sum = 0;
    for await (const { id } of items) sum += id;
    return sum;
  },
  both: (items) => items,
  rawDown: (bytes) => [bytes],
  rawBoth: (items) => items,
};

export interface StreamEnds {
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly streams: Client<typeof Streams>;
  readonly port: number;
  /** What handlers threw that is no `RpcError`. */
  readonly handlerErrors: unknown[];
  close(): Promise<void>;
}

export async function openStreams(
  replaced: Partial<StreamHandlers> = {},
  options: { readonly server?: ServerOptions; readonly channel?: ChannelOptions } = {},
): Promise<StreamEnds> {
  const handlerErrors: unknown[] = [];
  const server = new Server({ onHandlerError: (error) => handlerErrors.push(error), ...options.server });
  server.add(Streams, { ...usual, ...replaced });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, options.channel);
  return {
    server,
    channel,
    streams: channel.client(Streams),
    port,
    handlerErrors,
    close: async () => {
      await channel.close({ graceMs: 100 });
      await server.close();
    },
  };
}

/** Everything that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What came before an iterable failed, and what it failed with. */
export async function collectUntilFailure<T>(items: AsyncIterable<T>): Promise<{ got: T[]; error: unknown }> {
  const got: T[] = [];
  try {
    for await (const item of items) got.push(item);
  } catch (error) {
    return { got, error };
  }
  throw new Error(`expected a failure behind ${got.length} items`);
}
