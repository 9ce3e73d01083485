/** Starts `server.ts` as a process of its own and makes sure that it ends. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ServerProcessHandle {
  readonly pid: number;
  /** Where it listens: `tcp://127.0.0.1:<port>`. */
  readonly target: string;
  /** Ends the process. */
  stop(): Promise<void>;
}

/** Resolves when the server listens; rejects when it ends before. */
export async function startServer(): Promise<ServerProcessHandle> {
  const child = fork(fileURLToPath(new URL('./server.js', import.meta.url)));
  const kill = (): void => {
    child.kill();
  };
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const target = await Promise.race([
    once(child, 'message').then(([message]) => String(message)),
    exited.then(([code]) => Promise.reject(new Error(`the server process ended with code ${String(code)}`))),
  ]);
  return {
    pid: child.pid as number,
    target,
    async stop() {
      kill();
      await exited;
      process.off('exit', kill);
    },
  };
}
