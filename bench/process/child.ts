/**
 * One side of a run as the bench sees it: a child process, pinned where that is possible, asked over IPC. Orders are answered one
 * after the other. None outlives the bench: `stop` ends it, the bench's exit kills what is left, and a child whose bench was
 * killed ends by itself when the IPC channel breaks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Mark } from './marks.js';
import type { Notice, Order } from './messages.js';
import type { Role } from './role.js';

const ENTRY = fileURLToPath(new URL('peer.js', import.meta.url));
const ANSWER_MS_MAX = 20_000;
const STOP_MS_MAX = 3_000;

const running = new Set<{ kill(): void }>();
process.on('exit', () => {
  for (const child of running) child.kill();
});

interface Waiter<Extra extends object> {
  readonly resolve: (notice: Notice<Extra>) => void;
  readonly reject: (error: Error) => void;
}

/** One of the two is null, or both when there never was a process. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `Extra`: what its marks hold besides the counts. */
export class Child<Extra extends object = object> {
  private readonly process: ChildProcess;
  private readonly name: string;
  private readonly exited: Promise<ProcessEnd>;
  private waiter: Waiter<Extra> | null = null;
  /** How it ended; null while it runs. */
  private ending: string | null = null;

  /** Starts the process. `core`: null for any. `nodeArguments`: for the child's `node`, such as `--cpu-prof`. */
  constructor(role: Role<Extra>, core: number | null, nodeArguments: readonly string[] = []) {
    this.name = role.title;
    const command = [process.execPath, ...nodeArguments, ENTRY, JSON.stringify(role)];
    // taskset replaces itself by node, so the process id is node's.
    const pinned = core === null ? command : ['taskset', '-c', String(core), ...command];
    this.process = spawn(pinned[0] as string, pinned.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.add(this);
    this.exited = new Promise((resolve) => {
      const onEnd = (text: string, end: ProcessEnd): void => {
        running.delete(this);
        this.ending = `the ${this.name} ${text}`;
        this.waiter?.reject(new Error(this.ending));
        resolve(end);
      };
      this.process.once('exit', (code, signal) => onEnd(`ended (${signal ?? `exit code ${code}`})`, { code, signal }));
      this.process.once('error', (error) => onEnd(`did not start: ${error.message}`, { code: null, signal: null }));
    });
    this.process.on('message', (notice: Notice<Extra>) => this.waiter?.resolve(notice));
  }

  /** Resolves with the port once the server listens, or the client's load runs. */
  async ready(): Promise<number> {
    const notice = await this.wait(ANSWER_MS_MAX);
    return notice.kind === 'ready' ? notice.port : 0;
  }

  mark(): Promise<Mark & Extra> {
    return this.ask({ kind: 'mark' }, ANSWER_MS_MAX);
  }

  /** The mark at the moment when so many calls are done in all; fails after `msMax`. */
  markAt(calls: number, msMax: number): Promise<Mark & Extra> {
    return this.ask({ kind: 'markAt', calls }, msMax);
  }

  /** Lets it do what its workload knows by this name. Resolves with the mark behind that; fails after `msMax`. */
  act(name: string, msMax = ANSWER_MS_MAX): Promise<Mark & Extra> {
    return this.ask({ kind: 'act', name }, msMax);
  }

  async stop(): Promise<void> {
    if (this.process.connected) this.process.send({ kind: 'stop' } satisfies Order, () => {});
    const timer = setTimeout(() => this.kill(), STOP_MS_MAX);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Sends the signal. Resolves with how the process ended; fails when it does not within `msMax`. */
  async end(signal: NodeJS.Signals, msMax: number): Promise<ProcessEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${signal} did not end the ${this.name} within ${msMax} ms`)), msMax);
    });
    this.process.kill(signal);
    return Promise.race([this.exited, late]).finally(() => clearTimeout(timer));
  }

  private async ask(order: Order, msMax: number): Promise<Mark & Extra> {
    this.process.send(order, () => {});
    const notice = await this.wait(msMax);
    if (notice.kind !== 'mark') throw new Error(`the ${this.name} sent ${notice.kind} for a mark`);
    return notice.mark;
  }

  private async wait(msMax: number): Promise<Notice<Extra>> {
    if (this.ending !== null) throw new Error(this.ending);
    let timer: NodeJS.Timeout | undefined;
    try {
      const notice = await new Promise<Notice<Extra>>((resolve, reject) => {
        this.waiter = { resolve, reject };
        timer = setTimeout(() => reject(new Error(`the ${this.name} did not answer within ${msMax} ms`)), msMax);
      });
      if (notice.kind === 'error') throw new Error(`the ${this.name} failed: ${notice.text}`);
      return notice;
    } finally {
      clearTimeout(timer);
      this.waiter = null;
    }
  }
}
