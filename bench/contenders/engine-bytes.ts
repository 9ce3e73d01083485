/** The engine with raw bytes as its messages: a unary method, default settings. */
import { connect, defineService, raw, Server, unary } from '../../src/index.js';
import { bytesWorkload } from '../bytes.js';
import type { Contender } from './contender.js';

const Bytes = defineService('bench.Bytes', { echo: unary({ request: raw, response: raw }) });

export const engineBytes: Contender<Buffer> = {
  workload: bytesWorkload,

  async serve() {
    let calls = 0;
    const server = new Server().add(Bytes, {
      echo(bytes) {
        calls++;
        return bytes;
      },
    });
    const { port } = await server.listen({ host: '127.0.0.1' });
    return { port, calls: () => calls };
  },

  async dial(port) {
    const channel = connect(`tcp://127.0.0.1:${port}`);
    await channel.ready();
    return channel.client(Bytes).echo;
  },
};
