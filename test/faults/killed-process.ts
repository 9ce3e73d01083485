/**
 * A server that is killed, for tests. Its handler first writes the call's id to a file, by a system call that has returned before it
 * goes on: what the kernel has taken outlives SIGKILL.
 */
import { openSync, writeSync } from 'node:fs';
import { Server } from '../../src/index.js';
import { tellReady } from '../support/child.js';
import { handlers, Notes, sleep } from '../support/rpc.js';

const [port = '0', began = ''] = process.argv.slice(2);
const file = openSync(began, 'a');
const server = new Server().add(
  Notes,
  handlers({
    echo: async (request) => {
      writeSync(file, `${request.id}\n`);
      if (request.id % 3 === 0) await sleep(1);
      return request;
    },
  }),
);
tellReady({ port: (await server.listen({ host: '127.0.0.1', port: Number(port) })).port });
