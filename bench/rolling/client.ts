/**
 * The callers of `bench -- rolling`, in one process over one channel. Each makes its next call when the last one ended, with the next
 * id there is; how each ended is kept by its id and written to a file at the end.
 */
import { writeFileSync } from 'node:fs';
import { connect, RpcError } from '../../src/index.js';
import { Latencies } from '../latencies.js';
import type { Counts } from '../process/marks.js';
import type { Side } from '../process/side.js';
import { Outcome } from './outcome.js';
import type { Rolled, RollingClient, RollingExtra } from './roles.js';
import { Rolling } from './service.js';

const FAILURES_KEPT = 5;
/** A caller pauses this long after a failure, so that immediate failures do not spin. */
const REST_MS = 1;

export async function openClient(role: RollingClient): Promise<Side<RollingExtra>> {
  const channel = connect(role.ports.map((port) => `tcp://127.0.0.1:${port}`));
  await channel.ready();
  const stubs = channel.client(Rolling);
  const { deadlineMs, waitForReady } = role;
  const callers = new Callers((id) => stubs[role.method](id, { deadlineMs, waitForReady }));
  const ended = callers.run(role.callers);
  let rolled: Rolled | null = null;
  return {
    port: 0,
    count: () => ({ ...callers.count(), rolled }),
    at: (calls, callback) => callers.at(calls, callback),
    /** The only act: no more calls. */
    async act() {
      callers.stop();
      await ended;
      writeFileSync(role.outcomes, callers.outcomes);
      rolled = { ...callers.seen(), callers: role.callers, retries: channel.describe().retries.made };
      await channel.close();
    },
  };
}

class Callers {
  /** Calls that ended. */
  private done = 0;
  private failed = 0;
  private wrong = 0;
  private next = 0;
  private ends = new Uint8Array(1 << 20);
  private readonly failures: string[] = [];
  private readonly latencies = new Latencies();
  private lastEndAt = 0;
  private silentMs = 0;
  private stopped = false;
  private target = Infinity;
  private onTarget: () => void = () => {};

  constructor(private readonly call: (id: number) => Promise<number>) {}

  /** Resolves when all callers have stopped. */
  async run(callers: number): Promise<void> {
    this.lastEndAt = performance.now();
    await Promise.all(Array.from({ length: callers }, () => this.caller()));
  }

  stop(): void {
    this.stopped = true;
  }

  at(calls: number, callback: () => void): void {
    this.target = calls;
    this.onTarget = callback;
    if (this.done >= calls) this.reach();
  }

  count(): Counts {
    const { done, wrong, failed } = this;
    return { done, wrong, failed, failure: this.failures[0] ?? '' };
  }

  /** How each call ended, by its id. */
  get outcomes(): Uint8Array {
    return this.ends.subarray(0, this.next);
  }

  seen(): Omit<Rolled, 'callers' | 'retries'> {
    const { latencies, failures, silentMs } = this;
    return {
      failures,
      p50Ms: latencies.quantile(0.5),
      p99Ms: latencies.quantile(0.99),
      p999Ms: latencies.quantile(0.999),
      mostMs: latencies.mostMs,
      silentMs,
    };
  }

  private async caller(): Promise<void> {
    while (!this.stopped) {
      const id = this.next++;
      const from = performance.now();
      let outcome: Outcome;
      try {
        const answer = await this.call(id);
        outcome = Outcome.answered;
        if (answer !== id) this.wrong++;
      } catch (error) {
        outcome = this.failure(error);
      }
      this.end(id, outcome, from);
      if (outcome !== Outcome.answered) await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  private failure(error: unknown): Outcome {
    this.failed++;
    const text = error instanceof RpcError ? `${error.message} (started=${error.started})` : String(error);
    if (this.failures.length < FAILURES_KEPT) this.failures.push(text);
    if (!(error instanceof RpcError)) return Outcome.notMade;
    return error.started === 'no' ? Outcome.failedUnstarted : Outcome.failedMaybe;
  }

  private end(id: number, outcome: Outcome, from: number): void {
    const now = performance.now();
    this.latencies.add(now - from);
    this.silentMs = Math.max(this.silentMs, now - this.lastEndAt);
    this.lastEndAt = now;
    if (id >= this.ends.length) {
      const larger = new Uint8Array(Math.max(id + 1, 2 * this.ends.length));
      larger.set(this.ends);
      this.ends = larger;
    }
    this.ends[id] = outcome;
    if (++this.done >= this.target) this.reach();
  }

  private reach(): void {
    this.target = Infinity;
    this.onTarget();
  }
}
