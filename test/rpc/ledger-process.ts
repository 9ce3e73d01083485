/**
 * The script of a process whose handlers are slow in the ways that a ledger tells apart, for tests that need a second event
 * loop. Its ready message is where it listens.
 */
import { Server } from '../../src/index.js';
import { tellReady } from '../support/child.js';
import { handlers, Notes, sleep } from '../support/rpc.js';

const server = new Server().add(
  Notes,
  handlers({
    /** Answers after `id` milliseconds. */
    echo: async (note) => {
      if (note.id > 0) await sleep(note.id);
      return note;
    },
    /** Keeps the event loop busy for `id` milliseconds, a moment later. */
    hit: ({ id }) => {
      setTimeout(() => {
        for (const start = performance.now(); performance.now() - start < id; );
      }, 1);
    },
  }),
);

tellReady(await server.listen({ host: '127.0.0.1' }));
