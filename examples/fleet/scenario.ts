/**
 * The scenario: servers join, die, return, drain, get slow, fail, and etcd goes away, while the callers call. Each step prints what
 * happened and claims something that must hold on any machine: counts, not times.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Callers, Counts } from './callers.js';
import type { Claims } from './claims.js';
import type { Fleet } from './fleet.js';
import { number, type View } from './view.js';

export interface Stage {
  readonly fleet: Fleet;
  readonly callers: Callers;
  readonly view: View;
  readonly claims: Claims;
  /** Whether the channel leaves the server with this address alone. */
  isEjected(address: string): boolean;
  /** How long each step is watched. */
  readonly watchMs: number;
}

/** Most time to wait for what depends on calls. */
const WAIT_MS_MAX = 30_000;
/** Calls that show that a server has its share, not just a few probes. */
const CALLS_MIN = 50;

export async function play(stage: Stage): Promise<void> {
  const steps = [share, kill, comeBack, join, drain, slow, fail, loseEtcd];
  for (const [index, step] of steps.entries()) await step(stage, `${index + 1}. `);
}

async function share(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}three servers share the calls`);
  const seen = new Step(stage);
  await sleep(stage.watchMs);
  const all = await seen.answers(1, 2, 3);
  seen.print();
  stage.claims.add('all three get calls', all);
  stage.claims.add('no call failed', seen.failed === 0);
}

async function kill(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 2 is killed (SIGKILL)`);
  const { address } = stage.fleet.get(2);
  const seen = new Step(stage);
  const killedAt = performance.now();
  await stage.fleet.kill(2);
  await sleep(stage.watchMs);
  seen.print(`calls moved within ${ms(stage.callers.lastSeenAt(address) - killedAt)}`);
  const { readsFailed, writesFailedNo, writesFailedYes, repeatedWrites } = seen.counts;
  stage.claims.add('no read failed: they were retried on other servers', readsFailed === 0);
  stage.claims.add('only writes failed that may have run (started=maybe)', writesFailedNo + writesFailedYes === 0);
  stage.claims.add('no write was made a second time', repeatedWrites === 0);
}

async function comeBack(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 2 comes back at the same port`);
  await arrive(stage, 2);
}

async function join(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 4 joins`);
  await arrive(stage, 4);
}

async function arrive(stage: Stage, which: number): Promise<void> {
  const seen = new Step(stage);
  const { address } = await stage.fleet.start(which);
  const listedAt = performance.now();
  const before = stage.callers.answeredBy(address);
  await until(() => stage.callers.answeredBy(address) > before);
  const firstMs = performance.now() - listedAt;
  await sleep(stage.watchMs);
  const gets = await until(() => stage.callers.answeredBy(address) >= before + CALLS_MIN);
  seen.print(`its first call ${ms(firstMs)} after it was listed`);
  stage.claims.add(`server ${which} gets calls`, gets);
  stage.claims.add('no call failed', seen.failed === 0);
}

async function drain(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 1 is drained (SIGTERM)`);
  const { address } = stage.fleet.get(1);
  const seen = new Step(stage);
  const drainedAt = performance.now();
  const code = await stage.fleet.drain(1);
  const goneMs = performance.now() - drainedAt;
  await sleep(stage.watchMs);
  const movedMs = stage.callers.lastSeenAt(address) - drainedAt;
  seen.print(`calls moved within ${ms(movedMs)}, the process was gone after ${ms(goneMs)}`);
  stage.claims.add('no call failed', seen.failed === 0);
  stage.claims.add('the server has ended by itself, with code 0', code === 0);
}

async function slow(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 3 becomes 20 times slower`);
  stage.fleet.behave(3, 'slow');
  const seen = new Step(stage);
  await sleep(stage.watchMs);
  await seen.answers(2, 4);
  seen.print();
  stage.claims.add(
    'it gets fewer calls than each of the others',
    seen.answered(3) < Math.min(seen.answered(2), seen.answered(4)),
  );
  stage.claims.add('no call failed', seen.failed === 0);
  stage.fleet.behave(3, 'normal');
}

async function fail(stage: Stage, step: string): Promise<void> {
  stage.claims.begin(`${step}server 4 fails every call at once`);
  const { address } = stage.fleet.get(4);
  const seen = new Step(stage);
  const failingAt = performance.now();
  stage.fleet.behave(4, 'failing');
  const ejected = await until(() => stage.isEjected(address));
  const ejectedMs = performance.now() - failingAt;
  await sleep(stage.watchMs);
  seen.print(`it was ejected after ${ms(ejectedMs)}`);
  const { readsFailed, writesFailedNo, writesFailedMaybe, repeatedWrites } = seen.counts;
  stage.claims.add('it was ejected', ejected);
  stage.claims.add('no read failed: they were retried on other servers', readsFailed === 0);
  stage.claims.add('only writes failed that it had started (started=yes)', writesFailedNo + writesFailedMaybe === 0);
  stage.claims.add('no write was made a second time', repeatedWrites === 0);
  stage.fleet.behave(4, 'normal');
  const before = stage.callers.answeredBy(address);
  const back = await until(() => stage.callers.answeredBy(address) >= before + CALLS_MIN);
  stage.claims.add('healthy again, it gets calls when its ejection ends', back);
}

async function loseEtcd(stage: Stage, step: string): Promise<void> {
  const { etcd } = stage.fleet;
  if (etcd === null) {
    stage.view.line(`\n${step}etcd stops and starts again: skipped, there is no etcd`);
    return;
  }
  stage.claims.begin(`${step}etcd stops, and starts again`);
  const seen = new Step(stage);
  await etcd.stop();
  await sleep(stage.watchMs);
  const without = await seen.answers(2, 3, 4);
  await etcd.run();
  const again = new Step(stage);
  await sleep(stage.watchMs);
  const afterwards = await again.answers(2, 3, 4);
  seen.print();
  stage.claims.add('all servers get calls while it is away', without);
  stage.claims.add('all servers get calls when it is back', afterwards);
  stage.claims.add('no call failed', seen.failed === 0);
}

/** Observes what happens from its creation on. */
class Step {
  private readonly before: Counts;
  private readonly answeredBefore = new Map<string, number>();

  constructor(private readonly stage: Stage) {
    this.before = stage.callers.count();
    stage.view.begin();
    for (const [, address] of this.servers()) {
      this.answeredBefore.set(address, stage.callers.answeredBy(address));
    }
  }

  get counts(): Counts {
    return this.stage.callers.count(this.before);
  }

  /** Calls that failed, of either kind. */
  get failed(): number {
    const { readsFailed, writesFailedNo, writesFailedMaybe, writesFailedYes } = this.counts;
    return readsFailed + writesFailedNo + writesFailedMaybe + writesFailedYes;
  }

  /** Calls that the server of this number has answered. */
  answered(which: number): number {
    const { address } = this.stage.fleet.get(which);
    return this.stage.callers.answeredBy(address) - (this.answeredBefore.get(address) ?? 0);
  }

  /** Waits until each of these servers has answered enough; false: they do not. */
  answers(...which: readonly number[]): Promise<boolean> {
    return until(() => which.every((each) => this.answered(each) >= CALLS_MIN));
  }

  print(remark?: string): void {
    const { view } = this.stage;
    const { reads, readsFailed, writes, writesFailedNo, writesFailedMaybe, writesFailedYes, triedAgain } = this.counts;
    const shares = this.servers().map(([which]) => `#${which} ${number.format(this.answered(which))}`);
    const started = `${writesFailedNo} no, ${writesFailedMaybe} maybe, ${writesFailedYes} yes`;
    view.table();
    view.line(`   answered by ${shares.join(', ')}`);
    view.line(
      `   reads ${number.format(reads)}, failed ${readsFailed}; ` +
        `writes ${number.format(writes)}, failed ${this.failed - readsFailed} (started: ${started}); ` +
        `retried ${number.format(triedAgain)}`,
    );
    if (remark !== undefined) view.line(`   ${remark}`);
  }

  /** Those that run now. */
  private servers(): [number, string][] {
    const { fleet } = this.stage;
    return [1, 2, 3, 4].filter((which) => fleet.has(which)).map((which) => [which, fleet.get(which).address]);
  }
}

/** Waits until `condition` holds; false: it did not in time. */
async function until(condition: () => boolean): Promise<boolean> {
  const giveUpAt = performance.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (performance.now() > giveUpAt) return false;
    await sleep(1);
  }
  return true;
}

function ms(value: number): string {
  return `${number.format(Math.max(0, value))} ms`;
}
