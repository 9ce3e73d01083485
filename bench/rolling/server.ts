/**
 * A server of `bench -- rolling`. Its handler first writes the call's id to a file, by one synchronous system call. What the kernel
 * has accepted survives SIGKILL, so the file lists every handler that began.
 */
import { openSync, writeSync } from 'node:fs';
import { type Handlers, Server } from '../../src/index.js';
import type { Side } from '../process/side.js';
import type { Rolling } from './service.js';
import { Rolling as service } from './service.js';

export const ID_BYTES = 4;
/** Every so many ids one is answered a turn of the event loop later, and every so many some milliseconds later. */
const TURN_EVERY = 4;
const WAIT_EVERY = 64;
const WAIT_MS_MAX = 4;

export async function openServer(port: number, began: string): Promise<Side> {
  const file = openSync(began, 'wx');
  const bytes = Buffer.alloc(ID_BYTES);
  let done = 0;
  const run = (id: number): number | Promise<number> => {
    bytes.writeUInt32LE(id);
    if (writeSync(file, bytes) !== ID_BYTES) throw new Error('the file is full');
    done++;
    if (id % WAIT_EVERY === 0) {
      return new Promise((resolve) => setTimeout(resolve, 1 + ((id / WAIT_EVERY) % WAIT_MS_MAX), id));
    }
    return id % TURN_EVERY === 0 ? new Promise((resolve) => setImmediate(resolve, id)) : id;
  };
  const handlers: Handlers<typeof Rolling> = { once: run, again: run };
  const server = new Server().add(service, handlers);
  process.once('SIGTERM', () => {
    // A call that the drain had to cancel is a failure of the run.
    void server.drain().then(({ cancelled }) => process.exit(cancelled.length === 0 ? 0 : 1));
  });
  await server.listen({ host: '127.0.0.1', port });
  return { port, count: () => ({ done, wrong: 0, failed: 0, failure: '' }) };
}
