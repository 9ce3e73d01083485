/**
 * A server that takes over a port as soon as another process leaves it, and drains on SIGTERM, for tests. Before it ends it
 * tells the numbers of the calls that it has run.
 */
import { Server } from '../../src/index.js';
import { tellReady } from '../support/child.js';
import { handlers, Notes, sleep } from '../support/rpc.js';

const ran: number[] = [];
const answerer = `${process.pid}`;
const server = new Server().add(
  Notes,
  handlers({
    echo: async ({ id }) => {
      ran.push(id);
      if (id % 3 === 0) await sleep(1);
      return { id, text: answerer };
    },
  }),
);

process.once('SIGTERM', () => {
  void server.drain().then(() => process.send?.(ran, () => process.exit()));
});

/** Resolves with the port once it is free. */
async function listen(port: number): Promise<number> {
  for (;;) {
    try {
      return (await server.listen({ host: '127.0.0.1', port })).port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await sleep(1);
    }
  }
}

const wanted = Number(process.argv[2]);
if (wanted === 0) {
  tellReady({ port: await listen(0) });
} else {
  tellReady({ port: wanted });
  await listen(wanted);
}
