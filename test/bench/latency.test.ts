/** Calls at a fixed rate: when they are due, what their latency counts from, and what is made of the figures. Time is the test's own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { latencySettings } from '../../bench/commands/latency.js';
import { Latencies } from '../../bench/latencies.js';
import { type OpenCounts, OpenLoop, type Turns } from '../../bench/latency/open-loop.js';
import { Pacer } from '../../bench/latency/pacer.js';
import { reportLatencies } from '../../bench/latency/report.js';
import type { LatencySample } from '../../bench/latency/run.js';
import type { Workload } from '../../bench/load.js';
import { UsageError } from '../../bench/options.js';
import { printed } from './printed.js';

test('a quantile is never below the truth and at most 0.8 % above it, from a microsecond to minutes', () => {
  for (let ms = 0.001; ms < 400_000; ms *= 1.37) {
    const latencies = new Latencies();
    latencies.add(ms);
    latencies.add(ms * 1.5);
    const found = latencies.quantile(0.5);
    assert.ok(found >= ms && found <= ms * 1.008 + 0.0001, `${ms}: ${found}`);
  }
});

test('quantiles of many durations are those of the sorted list, within a bucket', () => {
  const latencies = new Latencies();
  const all: number[] = [];
  let state = 1;
  for (let i = 0; i < 20_000; i++) {
    state = (state * 48_271) % 2_147_483_647;
    const ms = 0.01 * 1_000_000 ** (state / 2_147_483_647);
    all.push(ms);
    latencies.add(ms);
  }
  all.sort((a, b) => a - b);
  for (const q of [0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]) {
    const truth = all[Math.ceil(q * all.length) - 1] as number;
    const found = latencies.quantile(q);
    assert.ok(found >= truth && found <= truth * 1.008, `q ${q}: ${found} for ${truth}`);
  }
  assert.is(latencies.count, all.length);
  assert.is(latencies.mostMs, all.at(-1));
});

test('no duration is lost, also none that is zero, negative or longer than all buckets', () => {
  const latencies = new Latencies();
  for (const ms of [-1, 0, 1e12]) latencies.add(ms);
  assert.is(latencies.count, 3);
  assert.ok(latencies.quantile(0.5) <= 0.0001);
  assert.is(latencies.mostMs, 1e12);
});

test('calls are due evenly, the first at once, the last before the end', () => {
  const pacer = new Pacer({ perSecond: 1_000, warmUpSeconds: 0.5, seconds: 1 }, 100);
  assert.is(pacer.calls, 1_500);
  assert.is(pacer.dueBy(99.9), 0);
  assert.is(pacer.dueBy(100), 1);
  assert.is(pacer.dueBy(100.999), 1);
  assert.is(pacer.dueBy(101), 2);
  assert.is(pacer.dueBy(1e9), 1_500);
  assert.is(pacer.dueMs(0), 100);
  assert.is(pacer.dueMs(250), 350);
  assert.is(pacer.countedFromMs, 600);
  assert.is(pacer.firstCounted, 500);
  assert.is(pacer.endMs, 1_600);
  assert.ok(pacer.dueMs(pacer.calls - 1) < pacer.endMs);
});

test('a call is never due later than the pacer says it is', () => {
  for (const perSecond of [3, 7.7, 333.3, 123_456.7]) {
    const pacer = new Pacer({ perSecond, warmUpSeconds: 0, seconds: 2 }, 12.34);
    for (let index = 0; index < Math.min(pacer.calls, 2_000); index++) {
      const due = pacer.dueMs(index);
      assert.ok(pacer.dueBy(due + 1e-6) > index, `call ${index} at ${perSecond} a second`);
      assert.ok(index === 0 || pacer.dueBy(due - 1e-6) <= index, `call ${index} at ${perSecond} a second`);
    }
  }
});

/** A loop whose turns come `turnMs` after each other, with calls that the test answers. */
class VirtualTurns implements Turns {
  ms = 1_000;
  private work: (() => void) | null = null;

  constructor(private readonly turnMs: number) {}

  nowMs(): number {
    return this.ms;
  }

  next(work: () => void): void {
    this.work = work;
  }

  /** Runs turns until nothing is left to do; `each` runs in front of every one. */
  async run(each: () => void): Promise<void> {
    for (;;) {
      for (let microtasks = 0; microtasks < 10; microtasks++) await Promise.resolve();
      const { work } = this;
      if (work === null) return;
      this.work = null;
      this.ms += this.turnMs;
      each();
      for (let microtasks = 0; microtasks < 10; microtasks++) await Promise.resolve();
      work();
    }
  }
}

const numbers: Workload<unknown> = {
  make: (id) => id,
  looksRight: (answer, id) => answer === id,
  isRight: (answer, id) => answer === id,
};

interface Server {
  readonly outstandingMax?: number;
  readonly warmUpSeconds?: number;
  /** Whether calls are answered at this moment, counted from the start. */
  answersAt(ms: number): boolean;
  readonly answer?: (id: unknown) => unknown;
}

/** 1,000 calls a second for a second against a server that answers once a turn of a millisecond. */
async function runLoop(
  server: Server,
): Promise<{ readonly counts: OpenCounts; readonly loop: OpenLoop; readonly most: number }> {
  const turns = new VirtualTurns(1);
  const open: { readonly id: unknown; readonly resolve: (answer: unknown) => void }[] = [];
  let most = 0;
  const call = (id: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      open.push({ id, resolve });
      most = Math.max(most, open.length);
    });
  const loop = new OpenLoop(numbers, call, server.outstandingMax ?? 1_000, turns);
  const ended = loop.run({ perSecond: 1_000, warmUpSeconds: server.warmUpSeconds ?? 0, seconds: 1 });
  await turns.run(() => {
    if (!server.answersAt(turns.ms - 1_000)) return;
    for (const { id, resolve } of open.splice(0)) resolve(server.answer?.(id) ?? id);
  });
  return { counts: await ended, loop, most };
}

test('a server that answers in the next turn has the latency of a turn', async () => {
  const { counts, loop } = await runLoop({ answersAt: () => true });
  assert.is(loop.done, 1_000);
  assert.is(loop.wrong + loop.failed, 0);
  assert.is(counts.calls, 1_000);
  assert.ok(counts.p50Us >= 1_000 && counts.p9999Us <= 2_016, `p50 ${counts.p50Us}, p99.99 ${counts.p9999Us}`);
  assert.ok(Math.abs(counts.achievedPerSecond - 1_000) <= 2, `${counts.achievedPerSecond} a second`);
  assert.is(counts.unsent + counts.unanswered, 0);
});

for (const outstandingMax of [1_000, 5]) {
  test(`a stop of 200 ms is in the latency of all calls due meanwhile, with ${outstandingMax} outstanding`, async () => {
    const { counts, most } = await runLoop({ outstandingMax, answersAt: (ms) => ms < 400 || ms >= 600 });
    assert.ok(most <= outstandingMax);
    assert.is(counts.calls, 1_000);
    assert.is(counts.unsent + counts.unanswered, 0);
    assert.ok(counts.maxUs >= 199_000, `max ${counts.maxUs}`);
    // A fifth of all calls was due within the stop, and the mean of them waited for half of it.
    assert.ok(counts.p90Us >= 95_000, `p90 ${counts.p90Us}`);
    assert.ok(outstandingMax === 5 || counts.p90Us <= 110_000, `p90 ${counts.p90Us}`);
  });
}

test('what is never answered is told, and counts with its age', async () => {
  const { counts, loop } = await runLoop({ outstandingMax: 10, answersAt: (ms) => ms < 500 || ms > 4_000 });
  assert.is(counts.calls, 1_000);
  assert.is(counts.unanswered, 10);
  assert.ok(counts.unsent > 450 && counts.unsent < 500, `${counts.unsent} not sent`);
  assert.ok(counts.maxUs >= 1_400_000, `max ${counts.maxUs}`);
  assert.ok(counts.p90Us > 1_300_000, `p90 ${counts.p90Us}`);
  assert.ok(counts.achievedPerSecond > 480 && counts.achievedPerSecond < 520, `${counts.achievedPerSecond} a second`);
  assert.is(loop.failed, 0);
});

test('calls of the warm-up are made and do not count, however late they are', async () => {
  const { counts, loop } = await runLoop({ warmUpSeconds: 0.5, answersAt: (ms) => ms < 100 || ms >= 400 });
  assert.is(loop.done, 1_500);
  assert.is(counts.calls, 1_000);
  assert.ok(counts.maxUs <= 3_000, `max ${counts.maxUs}`);
  assert.ok(Math.abs(counts.achievedPerSecond - 1_000) <= 2, `${counts.achievedPerSecond} a second`);
});

test('a call that no one ever answers is a failure, and the loop ends', async () => {
  const { counts, loop } = await runLoop({ outstandingMax: 10, answersAt: () => false });
  assert.is(counts.unsent + counts.unanswered, 1_000);
  assert.is(loop.failed, 1);
  assert.match(loop.failure, /not answered for 10 s/);
});

test('answers that belong to other calls are wrong', async () => {
  const { loop } = await runLoop({ answersAt: () => true, answer: (id) => (id as number) + 1 });
  assert.is(loop.wrong, loop.done);
});

function sample(
  contender: string,
  share: number | null,
  p999Us: number,
  more: Partial<LatencySample> = {},
): LatencySample {
  const quantiles = { p50Us: 100, p90Us: 200, p99Us: 300, p999Us, p9999Us: p999Us, maxUs: p999Us };
  const counts = { calls: 1_000, unsent: 0, unanswered: 0, lateP50Us: 1, lateP999Us: 2, turnsPerSecond: 1_000 };
  const rates = { ratePerSecond: 1_000, achievedPerSecond: 1_000, peakPerSecond: 2_000, clientUs: 10, serverUs: 5 };
  return { round: 0, contender, share, ...quantiles, ...counts, ...rates, wrong: 0, failed: 0, failure: '', ...more };
}

const settings = { ...latencySettings(['--rivals', 'floor,avsc-rpc']), rounds: 1 };

function report(samples: LatencySample[]): { readonly code: number; readonly text: string } {
  let code = -1;
  const generator = [{ ...sample('generator', null, 20), share: 0.5 }];
  const text = printed(() => {
    code = reportLatencies(settings, { samples, generator });
  });
  return { code, text };
}

const engineAt = (p999Us: number): LatencySample[] =>
  [0.25, 0.5, 0.75, 0.9].map((share) => sample('engine', share, p999Us));

test('targets are judged against 10 ms and against each rival at the same rate, and a floor is no rival', () => {
  const others = [
    sample('floor', null, 100),
    sample('floor', 0.5, 100),
    sample('avsc-rpc', null, 5_000),
    sample('avsc-rpc', 0.5, 1),
  ];
  const met = report([...engineAt(4_000), ...others]);
  assert.is(met.code, 0);
  assert.match(met.text, /^target met: p99.9 at half of the peak at most 10 ms: 4.00$/m);
  assert.match(met.text, /^target met: p99.9 at that rate below that of avsc RPC: 4.00 ms, 5.00 ms$/m);
  assert.not.match(met.text, /below that of floor/);
  const missed = report([...engineAt(11_000), ...others]);
  assert.match(missed.text, /^target MISSED: p99.9 at half of the peak at most 10 ms: 11.00$/m);
  assert.match(missed.text, /^target MISSED: p99.9 at that rate below that of avsc RPC/m);
});

test('a rival that does not carry the rate is said not to', () => {
  const slow = sample('avsc-rpc', null, 900_000, { achievedPerSecond: 100, unsent: 900 });
  const { text } = report([
    ...engineAt(4_000),
    slow,
    sample('avsc-rpc', 0.5, 1),
    sample('floor', null, 1),
    sample('floor', 0.5, 1),
  ]);
  assert.match(text, /below that of avsc RPC: 4.00 ms, 900.00 ms, which did not carry the rate$/m);
});

test('wrong answers, and failed calls of the engine, end with exit code 1 and without figures', () => {
  for (const more of [{ wrong: 1 }, { failed: 1, failure: 'Error: gone' }]) {
    const { code, text } = report([...engineAt(1), sample('engine', 0.5, 1, more)]);
    assert.is(code, 1);
    assert.match(text, /^FAILED: engine: /);
    assert.not.match(text, /p99/);
  }
});

test('options that make no sense are usage errors', () => {
  for (const args of [
    ['--percent', '0'],
    ['--percent', '101'],
    ['--rivals', 'nobody'],
    ['--outstanding', '0'],
  ]) {
    assert.throws(
      () => latencySettings(args),
      (error: unknown) => error instanceof UsageError,
    );
  }
  assert.equal(latencySettings(['--rivals', 'none']).others, []);
});

test('by default the floor program and every rival with unary calls are asked, and nothing of the engine', () => {
  const names = latencySettings([]).others.map(({ name }) => name);
  for (const name of ['floor', 'grpc-js', 'avsc-rpc', 'avsc-rpc-corked']) assert.ok(names.includes(name), name);
  assert.not.ok(
    names.some((name) => name.startsWith('engine') || name === 'raw-net'),
    names.join(),
  );
});

test.run();
