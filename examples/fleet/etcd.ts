/** An etcd of the example's own: Debian's `etcd-server` on free ports of 127.0.0.1 with a data folder that is gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS_MAX = 20_000;

export class Etcd {
  private readonly folder = mkdtempSync(join(tmpdir(), 'trunkline-fleet-'));
  private child: ChildProcess | null = null;
  private readonly abandon = (): void => {
    this.child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  private constructor(
    private readonly program: string,
    private readonly clientPort: number,
    private readonly peerPort: number,
  ) {
    process.once('exit', this.abandon);
  }

  /** Null when there is no program `etcd` in the PATH. */
  static async start(): Promise<Etcd | null> {
    const folders = (process.env['PATH'] ?? '').split(delimiter);
    const program = folders.map((folder) => join(folder, 'etcd')).find((path) => existsSync(path));
    if (program === undefined) return null;
    const [clientPort, peerPort] = await freePorts();
    const etcd = new Etcd(program, clientPort, peerPort);
    await etcd.run();
    return etcd;
  }

  /** For `connect` and `server.register`. */
  get target(): string {
    return `etcd://127.0.0.1:${this.clientPort}/fleet`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it, again with the same ports and data, and waits until it answers. */
  async run(): Promise<void> {
    const client = `http://127.0.0.1:${this.clientPort}`;
    const peer = `http://127.0.0.1:${this.peerPort}`;
    const flags = {
      'data-dir': this.folder,
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const child = spawn(this.program, args, { stdio: 'ignore' });
    this.child = child;
    const giveUpAt = performance.now() + READY_MS_MAX;
    while (!(await isHealthy(client))) {
      if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error('etcd does not start');
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(late);
  }

  /** Stops it and removes its data. */
  async close(): Promise<void> {
    await this.stop();
    process.off('exit', this.abandon);
    this.abandon();
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (await response.text()).includes('"true"');
  } catch {
    return false;
  }
}

/** Two ports that nobody listens on. */
async function freePorts(): Promise<[number, number]> {
  const listeners = [createServer(), createServer()];
  const ports: number[] = [];
  for (const listener of listeners) {
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    ports.push((listener.address() as AddressInfo).port);
  }
  for (const listener of listeners) listener.close();
  return ports as [number, number];
}
