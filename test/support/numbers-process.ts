/** The script of a process that serves `Streams`, with `down` giving so many numbers as it is asked for, for tests that stop it. */
import { Server } from '../../src/index.js';
import { Streams, streamHandlers } from '../faults/stream-talk.js';
import { tellReady } from './child.js';

const server = new Server({ limits: { pingIntervalMsMin: 0 } }).add(
  Streams,
  streamHandlers({
    *down(request) {
      const count = request.readUInt32LE(0);
      for (let index = 0; index < count; index++) {
        const bytes = Buffer.alloc(100);
        bytes.writeUInt32LE(index);
        yield bytes;
      }
    },
  }),
);

tellReady(await server.listen({ host: '127.0.0.1' }));
