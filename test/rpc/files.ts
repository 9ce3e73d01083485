/** A service of blobs and the two ends of it. */
import {
  blob,
  type ChannelOptions,
  connect,
  defineService,
  type Handlers,
  raw,
  Server,
  type ServerOptions,
} from '../../src/index.js';

export const MIB = 1024 * 1024;

const Info = {
  type: 'record',
  name: 'test.Info',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'bytes', type: 'long', default: 0 },
  ],
} as const;

export const Files = defineService('test.Files', {
  put: blob({ request: Info, response: Info }),
  rawHead: blob({ request: raw, response: raw }),
});

export type FilesHandlers = Handlers<typeof Files>;

/** A server whose handlers send back what comes, some of them replaced, and a channel to it. */
export async function openFiles(
  handlers: Partial<FilesHandlers> = {},
  options: { readonly server?: ServerOptions; readonly channel?: ChannelOptions } = {},
) {
  const server = new Server({ onHandlerError: () => {}, ...options.server }).add(Files, {
    put: ({ head, body }) => ({ head, body }),
    rawHead: ({ head, body }) => ({ head, body }),
    ...handlers,
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, options.channel);
  const close = async () => {
    await channel.close({ graceMs: 100 });
    await server.close();
  };
  return { server, channel, files: channel.client(Files), close };
}

export const info = (bytes: number) => ({ name: 'a file', bytes });
