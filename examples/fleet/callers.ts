/** Callers that make reads and writes until they are stopped, and count how their calls ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attempt, type CallResult, type Client, RpcError } from 'trunkline';
import type { Store } from './service.js';

export interface Counts {
  readonly reads: number;
  readonly writes: number;
  readonly readsFailed: number;
  /** By `started`: the server's handler certainly did not run, may have run, or has run. */
  readonly writesFailedNo: number;
  readonly writesFailedMaybe: number;
  readonly writesFailedYes: number;
  /** Calls that were tried more than once. */
  readonly triedAgain: number;
  /** Writes that were retried though they may have started, and wrong answers: there must be none. */
  readonly repeatedWrites: number;
  readonly wrong: number;
}

const none: Counts = {
  reads: 0,
  writes: 0,
  readsFailed: 0,
  writesFailedNo: 0,
  writesFailedMaybe: 0,
  writesFailedYes: 0,
  triedAgain: 0,
  repeatedWrites: 0,
  wrong: 0,
};

const PAUSE_MS = 25;
/** Every fourth call is a write. */
const WRITE_EVERY = 4;

export class Callers {
  private readonly counts: { -readonly [Name in keyof Counts]: number } = { ...none };
  private readonly answered = new Map<string, number>();
  private readonly lastSeen = new Map<string, number>();
  private readonly running: Promise<unknown>;
  private calls = 0;
  private ended = false;

  constructor(
    private readonly store: Client<typeof Store>,
    callers: number,
  ) {
    this.running = Promise.all(Array.from({ length: callers }, () => this.callOn()));
  }

  /** All counts so far, or those since `before`. */
  count(before: Counts = none): Counts {
    const names = Object.keys(none) as (keyof Counts)[];
    return Object.fromEntries(names.map((name) => [name, this.counts[name] - before[name]])) as unknown as Counts;
  }

  /** Calls that a server answered, by address. */
  answeredBy(address: string): number {
    return this.answered.get(address) ?? 0;
  }

  /** When a call ended there the last time, with an answer or a failure, as `performance.now()`; 0: never. */
  lastSeenAt(address: string): number {
    return this.lastSeen.get(address) ?? 0;
  }

  /** Lets calls in flight finish. */
  async end(): Promise<void> {
    this.ended = true;
    await this.running;
  }

  private async callOn(): Promise<void> {
    while (!this.ended) {
      const id = ++this.calls;
      if (id % WRITE_EVERY === 0) await this.write(id);
      else await this.read(id);
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }

  private async read(id: number): Promise<void> {
    this.counts.reads++;
    try {
      this.onAnswer(id, await this.store.read.detailed(id));
    } catch (error) {
      this.counts.readsFailed++;
      this.onAttempts(attemptsOf(error));
    }
  }

  private async write(id: number): Promise<void> {
    this.counts.writes++;
    let attempts: readonly Attempt[];
    try {
      const result = await this.store.write.detailed(id);
      attempts = result.attempts;
      this.onAnswer(id, result);
    } catch (error) {
      const { started } = error as RpcError;
      if (started === 'no') this.counts.writesFailedNo++;
      else if (started === 'maybe') this.counts.writesFailedMaybe++;
      else this.counts.writesFailedYes++;
      attempts = attemptsOf(error);
      this.onAttempts(attempts);
    }
    if (attempts.slice(0, -1).some(({ started }) => started !== 'no')) this.counts.repeatedWrites++;
  }

  private onAnswer(id: number, { value, attempts }: CallResult<number>): void {
    if (value !== id) this.counts.wrong++;
    const { endpoint = '' } = attempts.at(-1) ?? {};
    this.answered.set(endpoint, this.answeredBy(endpoint) + 1);
    this.onAttempts(attempts);
  }

  private onAttempts(attempts: readonly Attempt[]): void {
    if (attempts.length > 1) this.counts.triedAgain++;
    for (const { endpoint } of attempts) this.lastSeen.set(endpoint, performance.now());
  }
}

/** Rethrows an error that is not an `RpcError`. */
function attemptsOf(error: unknown): readonly Attempt[] {
  if (error instanceof RpcError) return error.attempts;
  throw error;
}
