/** A server that drains on SIGTERM, as the README says, for tests. Its `echo` never answers. */
import { Server } from '../../src/index.js';
import { tellReady } from '../support/child.js';
import { handlers, Notes } from '../support/rpc.js';

const server = new Server().add(Notes, handlers({ echo: () => new Promise(() => {}) }));
process.once('SIGTERM', () => {
  void server.drain({ graceMs: 300 }).then(({ cancelled }) => {
    console.log(cancelled.map(({ method, state }) => `${method} was ${state}`).join());
    process.exit();
  });
});
const { port } = await server.listen({ host: '127.0.0.1' });
tellReady({ port });
