/**
 * Ports for servers that tests end and start again. They lie below those that the system gives to clients (32,768 on Linux): while
 * nobody listens there, no socket that dials can take the port, nor reach itself.
 */
import { createServer } from 'node:net';

const FIRST = 10_000;
const COUNT = 20_000;
/** Test files run side by side; each begins elsewhere. */
let next = FIRST + ((process.pid * 7) % COUNT);

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once('error', () => resolve(false));
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}
