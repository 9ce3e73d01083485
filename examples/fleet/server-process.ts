/** One server process: started, told how to behave, drained or killed. It never outlives this process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Mode } from './service.js';

const program = fileURLToPath(new URL('./server.js', import.meta.url));

export class ServerProcess {
  mode: Mode = 'normal';
  /** It was told to end. */
  ending = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
    /** Its exit code; null when a signal ended it. */
    readonly exited: Promise<number | null>,
  ) {}

  /** Resolves when it listens and is registered; rejects when it ends before. */
  static async start(port: number, registry: string): Promise<ServerProcess> {
    const child = fork(program, { env: { ...process.env, PORT: String(port), REGISTRY: registry } });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const exited = once(child, 'exit').then(([code]) => {
      process.off('exit', kill);
      return code as number | null;
    });
    const address = await Promise.race([
      once(child, 'message').then(([message]) => String(message)),
      exited.then((code) => Promise.reject(new Error(`a server process ended with code ${String(code)}`))),
    ]);
    return new ServerProcess(child, address, exited);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  behave(mode: Mode): void {
    this.mode = mode;
    this.child.send(mode);
  }

  /** SIGTERM: it finishes its calls. Resolves with its exit code. */
  drain(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** SIGKILL: it is gone in the middle of its calls. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private end(signal: NodeJS.Signals): Promise<number | null> {
    this.ending = true;
    this.child.kill(signal);
    return this.exited;
  }
}
