/**
 * A process that runs programs of the documents, one after the other, as its parent names them: loading the engine once is most of what
 * a program costs. A program that ends the process is noticed by the parent, which starts another one.
 */
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

export interface Ran {
  /** What it threw or left unhandled, with the stack; empty: nothing. */
  readonly failure: string;
  readonly stdout: string;
  readonly stderr: string;
}

let failure = '';
const written = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = (text: string | Uint8Array): boolean => {
    written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
    return true;
  };
}

const fail = (error: unknown): void => {
  failure ||= inspect(error);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.once('disconnect', () => process.exit());

async function run(path: string): Promise<Ran> {
  failure = written.stdout = written.stderr = '';
  try {
    await import(pathToFileURL(path).href);
    // What it has left unhandled shows in the next turn.
    await new Promise((done) => setImmediate(done));
  } catch (error) {
    fail(error);
  }
  return { failure, ...written };
}

process.on('message', (path: string) => {
  void run(path).then((ran) => process.send?.(ran));
});
