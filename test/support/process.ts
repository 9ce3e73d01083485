/**
 * A Node process of its own for a test: a server to kill, to stop with SIGSTOP, or to weigh. The script calls
 * `tellReady` of `child.ts` when it can be used. Whatever happens to the test, the process does not survive it:
 * `withProcess` ends it, leaving the test's process kills it, and it ends by itself when its parent is gone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ProcessOptions {
  readonly args?: readonly string[];
  /** Options of node itself, such as `--max-old-space-size=128`. */
  readonly nodeArgs?: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Time until the ready message, and until an end that `exited` waits for. Default 10,000 ms. */
  readonly waitMs?: number;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Output kept, of the latest. */
const outputCharactersMax = 256 * 1024;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class TestProcess {
  readonly #child: ChildProcess;
  readonly #waitMs: number;
  readonly #ended: Promise<ProcessEnd>;
  #ready: unknown;
  #output = '';
  /** Messages that nobody has heard yet. */
  readonly #messages: unknown[] = [];
  #spoke: (() => void) | null = null;

  private constructor(script: URL | string, options: ProcessOptions) {
    const path = typeof script === 'string' ? script : fileURLToPath(script);
    this.#waitMs = options.waitMs ?? 10_000;
    this.#child = spawn(process.execPath, [...(options.nodeArgs ?? []), path, ...(options.args ?? [])], {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-outputCharactersMax);
      });
    }
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#spoke?.();
    });
    this.#ended = new Promise((resolve) => {
      // 'close' comes when the output is complete too, 'error' when there never was a process.
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
      this.#child.once('error', () => resolve({ code: null, signal: null }));
    });
    void this.#ended.then(() => running.delete(this.#child));
  }

  /** Starts the script and waits for its ready message. Rejects, with the output, when it ends before that. */
  static async start(script: URL | string, options: ProcessOptions = {}): Promise<TestProcess> {
    const started = new TestProcess(script, options);
    const ended = started.#ended.then(({ code, signal }) => {
      throw new Error(`the process ended (${signal ?? code}) before it was ready:\n${started.#output}`);
    });
    // It ends some day; only until it is ready is that an error.
    ended.catch(() => {});
    try {
      const message = await withinMs(
        started.#waitMs,
        'the ready message',
        Promise.race([started.#nextMessage(), ended]),
      );
      started.#ready = (message as { readonly ready: unknown }).ready;
    } catch (error) {
      await started.kill();
      throw error;
    }
    return started;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process did not start');
    return pid;
  }

  /** What the script said with `tellReady`. */
  get ready(): unknown {
    return this.#ready;
  }

  /** What it wrote to stdout and stderr, the latest 256 KiB. */
  get output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Sends a message to the script (its `process.on('message')`). */
  tell(message: string | object): void {
    this.#child.send(message);
  }

  /** The next message of the script, in order. One caller at a time. */
  async hear(): Promise<unknown> {
    return withinMs(this.#waitMs, 'a message of the process', this.#nextMessage());
  }

  /** How it ended. Rejects when it does not within `waitMs`. */
  async exited(): Promise<ProcessEnd> {
    return withinMs(this.#waitMs, 'the end of the process', this.#ended);
  }

  /** SIGKILL, also to a stopped process, and waits until it is gone. */
  async kill(): Promise<ProcessEnd> {
    this.#child.kill('SIGKILL');
    return this.exited();
  }

  /** Resident memory now. */
  get rssBytes(): number {
    return rssBytes(this.pid);
  }

  /** Resident memory, taken `count` times at this interval. */
  async sampleRss(count: number, intervalMs: number): Promise<number[]> {
    const samples: number[] = [];
    for (let i = 0; i < count; i++) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
      samples.push(this.rssBytes);
    }
    return samples;
  }

  async #nextMessage(): Promise<unknown> {
    if (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#spoke = resolve;
      });
    }
    return this.#messages.shift();
  }
}

/** Starts the script, runs `use` with it, and leaves no process behind. */
export async function withProcess<T>(
  script: URL | string,
  options: ProcessOptions,
  use: (child: TestProcess) => Promise<T>,
): Promise<T> {
  const child = await TestProcess.start(script, options);
  try {
    return await use(child);
  } finally {
    await child.kill();
  }
}

/** Resident memory of a process: from /proc where there is one, else from ps. */
export function rssBytes(pid: number): number {
  if (process.platform === 'linux') {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (kilobytes === undefined) throw new Error(`process ${pid} has no memory: it has ended`);
    return Number(kilobytes) * 1024;
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}

async function withinMs<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timeout = setTimeout(() => reject(new Error(`expected ${what} within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timeout));
}
