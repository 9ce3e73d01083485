/** A small service and the two ends of it, for tests of calls: everything is closed by `close`. */
import {
  type ChannelOptions,
  type Client,
  type ClientChannel,
  connect,
  defineService,
  type Handlers,
  oneway,
  RpcError,
  raw,
  Server,
  type ServerOptions,
  unary,
} from '../../src/index.js';

export const Note = {
  type: 'record',
  name: 'test.Note',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'text', type: 'string' },
  ],
} as const;

export const Notes = defineService('test.Notes', {
  echo: unary({ request: Note, response: Note }),
  bytes: unary({ request: raw, response: raw }),
  hit: oneway({ request: Note }),
});

export type NotesHandlers = Handlers<typeof Notes>;

export interface Ends {
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly notes: Client<typeof Notes>;
  readonly port: number;
  close(): Promise<void>;
}

/** Handlers that echo, some of them replaced. */
export function handlers(replaced: Partial<NotesHandlers> = {}): NotesHandlers {
  return { echo: (note) => note, bytes: (bytes) => bytes, hit: () => {}, ...replaced };
}

/** A server on a free port of 127.0.0.1 and a channel to it, or to another port in front of it. */
export async function openEnds(
  options: {
    readonly handlers?: Partial<NotesHandlers>;
    readonly server?: ServerOptions;
    readonly channel?: ChannelOptions;
    /** The port that the channel dials, from the server's: a proxy's. */
    readonly through?: (port: number) => Promise<number>;
  } = {},
): Promise<Ends> {
  const server = new Server(options.server).add(Notes, handlers(options.handlers));
  const { port } = await server.listen({ host: '127.0.0.1' });
  const dialed = (await options.through?.(port)) ?? port;
  const channel = connect(`tcp://127.0.0.1:${dialed}`, options.channel);
  return {
    server,
    channel,
    notes: channel.client(Notes),
    port,
    close: async () => {
      await channel.close({ graceMs: 100 });
      await server.close();
    },
  };
}

/** The INVALID_ARGUMENT that `make` throws. */
export function refusal(make: () => unknown): RpcError {
  try {
    make();
  } catch (error) {
    if (error instanceof RpcError && error.code === 'INVALID_ARGUMENT') return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The `RpcError` that the promise rejects with; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A promise and the way to resolve it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
