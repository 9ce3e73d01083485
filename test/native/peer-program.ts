/**
 * The C program of `native/peer`, built for tests with the sanitizers where the compiler has them, into a folder that git does not
 * keep. No process outlives the test that started it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Callback, Test } from 'uvu';
import { projectRoot } from '../support/root.js';

const source = fileURLToPath(new URL('native/peer', projectRoot));
const output = fileURLToPath(new URL('.build/native-peer', projectRoot));
/** Only what hangs takes so long. */
const END_MS_MAX = 60_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Built {
  /** The program; null where it cannot be built here. */
  readonly path: string | null;
  readonly sanitized: boolean;
  /** Why there is none. */
  readonly reason: string;
}

function run(command: string, args: readonly string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    return null;
  }
}

/** Throws, with the compiler's output, when there is a compiler and the program does not build. */
export function buildPeer(): Built {
  for (const tool of ['make', 'cc']) {
    if (run(tool, ['--version']) !== null) continue;
    return { path: null, sanitized: false, reason: `there is no ${tool} (apt-get install gcc make libc6-dev)` };
  }
  if (process.platform !== 'linux') return { path: null, sanitized: false, reason: 'it needs the epoll of Linux' };
  const plain = ['-s', '-j2', '-C', source, 'CFLAGS=-O0'];
  if (run('make', [...plain, `OUT=${output}/sanitized`, 'SANITIZE=1']) !== null) {
    return { path: `${output}/sanitized/peer`, sanitized: true, reason: '' };
  }
  execFileSync('make', [...plain, `OUT=${output}/plain`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { path: `${output}/plain/peer`, sanitized: false, reason: '' };
}

/** Defines tests that need the program; without it they are skipped by name. `reason`: why it is not there, null if it is. */
export function defining(define: Test): (reason: string | null, name: string, body: Callback) => void {
  return (reason, name, body) => {
    if (reason === null) define(name, body);
    else {
      console.log(`skipped: ${name}: ${reason}`);
      define.skip(name);
    }
  };
}

/** A run of the program: its lines as they come, and how it ended. */
export class PeerRun {
  readonly ended: Promise<number | null>;
  /** Everything it has written. */
  output = '';
  private readonly child: ChildProcess;
  private rest = '';

  constructor(path: string, args: readonly string[], onLine: (line: string) => void = () => {}) {
    this.child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    // It may have ended before it read its orders.
    this.child.stdin?.on('error', () => {});
    const timeout = setTimeout(() => this.child.kill('SIGKILL'), END_MS_MAX);
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.output += error.message;
        resolve(null);
      });
      this.child.once('close', (code) => resolve(code));
    });
    void this.ended.then(() => {
      clearTimeout(timeout);
      running.delete(this.child);
    });
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  /** Ends it in order; the exit code is 0 unless a sanitizer found something. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

/** A run of the program that listens, once it does. */
export async function listeningPeer(
  path: string,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
): Promise<{ readonly run: PeerRun; readonly port: number }> {
  return new Promise((resolve, reject) => {
    const listening = new PeerRun(path, args, (line) => {
      const port = /^listening on (\d+)$/.exec(line)?.[1];
      if (port === undefined) onLine(line);
      else resolve({ run: listening, port: Number(port) });
    });
    void listening.ended.then(() => reject(new Error(`peer ${args.join(' ')} ended: ${listening.output}`)));
  });
}

export async function servePeer(path: string): Promise<{ readonly run: PeerRun; readonly port: number }> {
  return listeningPeer(path, ['serve', '0']);
}
