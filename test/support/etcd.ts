/**
 * A real etcd for tests: Debian's `etcd-server` on free ports of 127.0.0.1 with a data folder of its own, which a test stops, starts,
 * pauses and robs. Whatever happens to the test, neither process nor folder outlives it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Callback, Test } from 'uvu';
import { sleep } from './rpc.js';

/** Debian's, unless another is named. */
const PROGRAM = process.env['TRUNKLINE_ETCD'] ?? '/usr/bin/etcd';
const READY_MS_MAX = 10_000;
const STOP_MS_MAX = 3_000;

const running = new Set<TestEtcd>();
process.on('exit', () => {
  for (const etcd of running) etcd.abandon();
});

/** Defines a test where the program is there; elsewhere the test is skipped by name. */
export function whereEtcdIs(define: Test): (name: string, body: Callback) => void {
  return (name, body) => {
    if (existsSync(PROGRAM)) define(name, body);
    else {
      console.log(`skipped: ${name}: there is no ${PROGRAM} (apt-get install etcd-server)`);
      define.skip(name);
    }
  };
}

/** Defines a test that is given an etcd of its own. */
export function withEtcd(define: Test): (name: string, body: (etcd: TestEtcd) => Promise<void>) => void {
  return (name, body) => whereEtcdIs(define)(name, runWith(body));
}

function runWith(body: (etcd: TestEtcd) => Promise<void>): Callback {
  return async () => {
    const etcd = await TestEtcd.start();
    try {
      await body(etcd);
    } finally {
      await etcd.close();
    }
  };
}

export class TestEtcd {
  private readonly folder = mkdtempSync(join(tmpdir(), 'trunkline-etcd-'));
  private child: ChildProcess | null = null;
  private log = '';

  private constructor(
    readonly clientPort: number,
    private readonly peerPort: number,
  ) {}

  static async start(): Promise<TestEtcd> {
    const [clientPort, peerPort] = await freePorts();
    const etcd = new TestEtcd(clientPort, peerPort);
    running.add(etcd);
    await etcd.run();
    return etcd;
  }

  get url(): string {
    return `http://127.0.0.1:${this.clientPort}`;
  }

  /** Starts it, again with the same ports and data, and waits until it answers. */
  async run(): Promise<void> {
    const peer = `http://127.0.0.1:${this.peerPort}`;
    const flags = {
      'data-dir': join(this.folder, 'data'),
      'listen-client-urls': this.url,
      'advertise-client-urls': this.url,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      // It is ready sooner, and grants leases of one second.
      'heartbeat-interval': '10',
      'election-timeout': '100',
    };
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-10_000);
      });
    }
    const giveUpAt = performance.now() + READY_MS_MAX;
    while (!(await this.isHealthy())) {
      if (performance.now() > giveUpAt || child.exitCode !== null) throw new Error(`etcd does not start:\n${this.log}`);
      await sleep(20);
    }
  }

  /** SIGTERM, or SIGKILL when that does not help. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    this.child = null;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    signal(child, 'SIGCONT');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await gone;
    clearTimeout(late);
  }

  /** It stands still; the kernel goes on accepting connections for it. */
  pause(): void {
    signal(this.child, 'SIGSTOP');
  }

  resume(): void {
    signal(this.child, 'SIGCONT');
  }

  /** Only while it is stopped: it starts as a new cluster. */
  loseData(): void {
    rmSync(join(this.folder, 'data'), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.stop();
    this.abandon();
  }

  /** At once, for the end of this process. */
  abandon(): void {
    running.delete(this);
    this.child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One request to the gateway; texts in `key` and `value` are encoded here. */
  async ask(path: string, request: Record<string, unknown>, token?: string): Promise<Record<string, unknown>> {
    const encoded = Object.entries(request).map(([name, value]) =>
      name === 'key' || name === 'value' || name === 'range_end'
        ? [name, Buffer.from(String(value)).toString('base64')]
        : [name, value],
    );
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(Object.fromEntries(encoded)),
      headers: token === undefined ? {} : { Authorization: token },
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`etcd: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Texts by key of everything below a prefix. */
  async keys(prefix: string): Promise<Record<string, string>> {
    const { kvs = [] } = (await this.ask('/v3/kv/range', { key: prefix, range_end: `${prefix}\u007f` })) as {
      kvs?: { readonly key: string; readonly value: string }[];
    };
    const text = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
    return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]));
  }

  private async isHealthy(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(1_000) });
      return response.ok && ((await response.json()) as { readonly health?: unknown }).health === 'true';
    } catch {
      return false;
    }
  }
}

/** Not by `child.kill`: Deno takes a child that was signalled so for dead, and neither lets it go on nor tells its exit. */
function signal(child: ChildProcess | null, name: NodeJS.Signals): void {
  if (child?.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(child.pid, name);
  } catch {
    // It has just ended.
  }
}

async function freePorts(): Promise<[number, number]> {
  const listeners = [createServer(), createServer()];
  const ports: number[] = [];
  for (const listener of listeners) {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    ports.push((listener.address() as AddressInfo).port);
  }
  for (const listener of listeners) listener.close();
  return ports as [number, number];
}
