/**
 * One run of `bench -- rolling`: servers and a client as processes, and each server ended by a signal and started again in turn, while
 * the callers go on. The restarts are spread over the calls, so that each server has its share between two of them.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../process/child.js';
import { said } from '../process/marks.js';
import { type Account, accountOf } from './account.js';
import { type Rolled, type RollingExtra, rollingClient, rollingServer } from './roles.js';

export interface RollingCase {
  /** `SIGTERM`: the server drains, then its process ends. */
  readonly signal: 'SIGTERM' | 'SIGKILL';
  /** `again` is idempotent. */
  readonly method: 'once' | 'again';
  /**
   * While no server is connected, calls wait for one. Without it they fail at once, with started=no: the next kill may come before the
   * channel has reconnected to the server that was killed last.
   */
  readonly waitForReady: boolean;
}

export interface RollingSettings {
  readonly servers: number;
  /** Of each server. */
  readonly restarts: number;
  readonly callers: number;
  /** The run goes on until so many calls have ended. */
  readonly calls: number;
  readonly deadlineMs: number;
}

export interface RollingRun extends RollingCase {
  readonly seconds: number;
  readonly account: Account;
  readonly rolled: Rolled;
  readonly wrong: number;
  /** Milliseconds from the signal to the end of the process, and from there until the next one listens. */
  readonly endingMs: readonly number[];
  readonly startingMs: readonly number[];
  /** Unexpected process exits, as text. */
  readonly badEnds: readonly string[];
}

/** Below the ports that the system gives to clients: while nobody listens, none of them takes the port. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const ANSWER_MS_MAX = 120_000;
/** Above the default grace of a drain. */
const END_MS_MAX = 30_000;

export async function roll(what: RollingCase, settings: RollingSettings): Promise<RollingRun> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-rolling-'));
  const bench = new RollingBench(what, settings, folder);
  try {
    return await bench.run();
  } finally {
    await bench.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class RollingBench {
  private readonly began: string;
  private readonly outcomes: string;
  private client: Child<RollingExtra> | null = null;
  private readonly servers: Child[] = [];
  private readonly ports: number[] = [];
  private readonly endingMs: number[] = [];
  private readonly startingMs: number[] = [];
  private readonly badEnds: string[] = [];
  private started = 0;

  constructor(
    private readonly what: RollingCase,
    private readonly settings: RollingSettings,
    folder: string,
  ) {
    this.began = join(folder, 'began');
    this.outcomes = join(folder, 'outcomes');
    mkdirSync(this.began);
  }

  async run(): Promise<RollingRun> {
    const { servers, restarts, callers, calls, deadlineMs } = this.settings;
    this.ports.push(...(await freePorts(servers)));
    for (let index = 0; index < servers; index++) await this.start(index);
    const { ports, outcomes } = this;
    const { method, waitForReady } = this.what;
    const client = new Child(rollingClient({ ports, callers, method, deadlineMs, waitForReady, outcomes }), null);
    this.client = client;
    await client.ready();
    const from = await client.mark();
    const total = servers * restarts;
    for (let restart = 0; restart < total; restart++) {
      await client.markAt(Math.ceil(((restart + 1) * calls) / (total + 1)), ANSWER_MS_MAX);
      await this.restart(restart % servers);
    }
    await client.markAt(calls, ANSWER_MS_MAX);
    const to = await client.act('finish', ANSWER_MS_MAX);
    const { endingMs, startingMs, badEnds } = this;
    return {
      ...this.what,
      seconds: (to.atMs - from.atMs) / 1000,
      account: accountOf(this.began, this.outcomes),
      rolled: said(to.rolled, 'account of the calls'),
      wrong: to.wrong,
      endingMs,
      startingMs,
      badEnds,
    };
  }

  /** The client first: calls that lose their servers would be retried over and over. */
  async stop(): Promise<void> {
    await this.client?.stop();
    for (const server of this.servers) await server.stop();
  }

  private async restart(index: number): Promise<void> {
    const { signal } = this.what;
    const old = this.servers[index];
    const from = performance.now();
    const end = await old.end(signal, END_MS_MAX);
    const endedAt = performance.now();
    const asWanted = signal === 'SIGKILL' ? end.signal === signal : end.code === 0;
    if (!asWanted) this.badEnds.push(`${signal} ended a server by ${end.signal ?? `exit code ${end.code}`}`);
    await this.start(index);
    this.endingMs.push(endedAt - from);
    this.startingMs.push(performance.now() - endedAt);
  }

  /** Resolves when it listens. */
  private async start(index: number): Promise<void> {
    const port = this.ports[index];
    const began = join(this.began, String(this.started++));
    const server = new Child(rollingServer({ port, began }), null);
    this.servers[index] = server;
    await server.ready();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let port = FIRST_PORT + (process.pid % PORTS); ports.length < count; port++) {
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once('error', () => resolve(false));
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}
