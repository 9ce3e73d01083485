/** The engine's blob lane: a head of a few bytes and the block as the body, sent back piece by piece; default settings. */
import { blob, connect, defineService, Server } from '../../src/index.js';
import { BLOCK_BYTES, bytesWorkload } from '../bytes.js';
import type { Contender } from './contender.js';

const Head = { type: 'record', name: 'Head', fields: [{ name: 'bytes', type: 'long' }] } as const;

const Blobs = defineService('bench.Blobs', { echo: blob({ request: Head, response: Head }) });

export const engineBlob: Contender<Buffer> = {
  workload: bytesWorkload,

  async serve() {
    let calls = 0;
    const server = new Server().add(Blobs, {
      echo({ head, body }) {
        calls++;
        return { head, body };
      },
    });
    const { port } = await server.listen({ host: '127.0.0.1' });
    return { port, calls: () => calls };
  },

  async dial(port) {
    const channel = connect(`tcp://127.0.0.1:${port}`);
    await channel.ready();
    const { echo } = channel.client(Blobs);
    const head = { bytes: BLOCK_BYTES };
    return async (bytes) => {
      const answer = await echo({ head, body: bytes });
      return answer.body.buffer();
    };
  },
};
