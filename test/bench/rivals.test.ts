/** `bench -- rivals` without its packages: cases and turns, ratios and targets, what is skipped, what fails, and the line protocol. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reportRivals } from '../../bench/commands/rivals.js';
import { sleep } from '../../bench/measure.js';
import { RivalFigures } from '../../bench/rivals/figures.js';
import { LineProcess, lastLine } from '../../bench/rivals/line-process.js';
import { nodeRivals } from '../../bench/rivals/node-rivals.js';
import { type PresentRival, probe } from '../../bench/rivals/probe.js';
import type { Rival, WorkloadName } from '../../bench/rivals/rival.js';
import { casesOf, compareRivals, measureRival, type RivalSample, type RivalSettings } from '../../bench/rivals/run.js';
import { caseTable } from '../../bench/rivals/tables.js';
import { targetLines } from '../../bench/rivals/targets.js';
import { printed } from './printed.js';
import { runBench } from './run-bench.js';

const settings: RivalSettings = {
  rounds: 2,
  seconds: 1,
  warmUpSeconds: 0,
  workloads: ['unary', 'blob', 'stream'],
  inFlight: [1, 512],
  pinning: { cores: null, text: 'not pinned' },
};

function rival(name: string, workloads: readonly WorkloadName[] = ['unary'], more: Partial<Rival> = {}): PresentRival {
  const facts = {
    language: 'Node',
    floor: false,
    setup: 'as it is',
    version: '1',
    command: ['false'],
    absence: 'not built here',
  };
  return { name, title: name, workloads, ...facts, ...more };
}

function sample(name: string, round: number, perSecond: number, more: Partial<RivalSample> = {}): RivalSample {
  const figures = { perSecond, clientUs: 1, serverUs: 1, sumUs: 2 };
  const counts = { done: 1000, seconds: 1, wrong: 0, failed: 0, failure: '' };
  return { rival: name, round, workload: 'unary', inFlight: 512, ...figures, ...counts, ...more };
}

const full = { workload: 'unary', inFlight: 512 } as const;

test('unary calls are a case for each number in flight, the other workloads one each', () => {
  const names = casesOf(settings).map(({ workload, inFlight }) => `${workload} ${inFlight}`);
  assert.equal(names, ['unary 1', 'unary 512', 'blob 16', 'stream 1']);
});

test('the order rotates by one each round, and no rival is measured at a case it does not take part in', async () => {
  const order: string[] = [];
  const rivals = [rival('a'), rival('b', ['unary', 'blob']), rival('c')];
  await compareRivals(
    { ...settings, workloads: ['unary', 'blob'], inFlight: [1] },
    rivals,
    async (one, { workload }) => {
      order.push(`${workload} ${one.name}`);
      return sample(one.name, 1, 1);
    },
  );
  assert.equal(order, ['unary a', 'unary b', 'unary c', 'blob b', 'unary b', 'unary c', 'unary a', 'blob b']);
});

test('a ratio is of the same round, whatever the order of the samples', () => {
  const samples = [sample('a', 1, 10), sample('b', 2, 50), sample('a', 2, 100), sample('b', 1, 5)];
  assert.is(new RivalFigures(samples).ratio('a', 'b', full, 'perSecond'), 2);
  assert.is(new RivalFigures(samples).ratio('a', 'c', full, 'perSecond'), null);
});

test('a table has the fastest first, floors named as such, and says what the engine lost', () => {
  const rivals = [rival('engine'), rival('slow'), rival('fast', ['unary'], { floor: true })];
  const samples = [sample('engine', 1, 100), sample('slow', 1, 50), sample('fast', 1, 200, { sumUs: 1 })];
  const lines = caseTable(new RivalFigures(samples), rivals, full).split('\n').slice(-3);
  assert.match(lines[0] ?? '', /^fast \(floor\) .* lost$/);
  assert.match(lines[1] ?? '', /^engine /);
  assert.match(lines[2] ?? '', /^slow .* won$/);
});

test('targets are met or missed at their limits, and silent without figures', () => {
  const judged = (engine: number, more: RivalSample[] = []): string[] => {
    const samples = [sample('engine', 1, engine), sample('grpc-js', 1, 1), ...more];
    return targetLines(new RivalFigures(samples), [rival('engine'), rival('grpc-js')]);
  };
  assert.equal(judged(100), ['target met: 512 in flight: calls/s at least 100 x grpc-js: 100.000']);
  assert.equal(judged(99.9), ['target MISSED: 512 in flight: calls/s at least 100 x grpc-js: 99.900']);
  const floor = judged(100, [sample('floor', 1, 95, { sumUs: 2.4 })]);
  assert.match(floor[0] ?? '', /^target met: .*CPU per call at most 0.85 x the floor program: 0.833$/);
  assert.match(floor[1] ?? '', /^target met: .*calls\/s at least 1.05 x the floor program: 1.053$/);
});

test('the best rival at 64 in flight is neither a floor nor the engine', () => {
  const at = { inFlight: 64 };
  const rivals = [
    rival('engine'),
    rival('engine-polling'),
    rival('quick'),
    rival('slow'),
    rival('bare', ['unary'], { floor: true }),
  ];
  const speeds = { engine: 390, 'engine-polling': 500, quick: 100, slow: 10, bare: 900 };
  const samples = Object.entries(speeds).map(([name, perSecond]) => sample(name, 1, perSecond, at));
  assert.equal(targetLines(new RivalFigures(samples), rivals), [
    'target MISSED: 64 in flight: calls/s at least 4 x the best rival, quick (100): 3.900',
  ]);
});

test('the round trip of one call is judged by its length', () => {
  const at = { inFlight: 1 };
  const line = (engine: number): string => {
    const samples = [sample('engine', 1, engine, at), sample('raw-net', 1, 10_800, at)];
    return targetLines(new RivalFigures(samples), []).join();
  };
  assert.match(line(10_000), /^target met: 1 in flight: .*\(100.0 us against 92.6 us\): 1.080$/);
  assert.match(line(9_000), /^target MISSED: 1 in flight/);
});

test('a case with a wrong answer has no figures, its rival no targets, and the exit code is 1', () => {
  const rivals = [rival('engine'), rival('grpc-js')];
  const samples = [sample('engine', 1, 12_345), sample('engine', 2, 12_345, { wrong: 1 }), sample('grpc-js', 1, 100)];
  let code = -1;
  const text = printed(() => {
    const probed = { rivals, skipped: [{ name: 'absent', why: 'it is not built here' }] };
    code = reportRivals({ ...settings, workloads: ['unary'], inFlight: [512] }, probed, samples);
  });
  assert.is(code, 1);
  assert.match(text, /FAILED: engine: round 2: 1 answers were wrong/);
  assert.not.match(text, /12,345|target/);
  assert.match(text, /skipped: absent: it is not built here/);
});

test('what cannot say its version is skipped with its last words', async () => {
  const script = (text: string): string[] => [process.execPath, '-e', text];
  const { rivals, skipped } = await probe([
    rival('there', ['unary'], { command: script("console.log('2.0')") }),
    rival('silent', ['unary'], { command: script('') }),
    rival('broken', ['unary'], { command: script("throw new Error('libx is missing')") }),
    rival('absent', ['unary'], { command: ['/nowhere/program'] }),
  ]);
  assert.equal(
    rivals.map(({ name, version }) => `${name} ${version}`),
    ['there 2.0'],
  );
  assert.equal(
    skipped.map(({ name }) => name),
    ['silent', 'broken', 'absent'],
  );
  assert.is(skipped[1]?.why, 'libx is missing');
  assert.match(skipped[2]?.why ?? '', /not built here/);
});

test('the last words of a program are its error, not the stack below it', () => {
  assert.is(lastLine('warning\nTypeError: no\n    at x (y)\n\nNode.js v20\n'), ': TypeError: no');
  assert.is(lastLine('first\nlast\n\n'), ': last');
  assert.is(lastLine(''), '');
});

/** A program of the line protocol whose client does as it is told. */
function scripted(client: string): Rival {
  const mark = (more: string): string =>
    `const at = performance.now(); say({ mark: { atMs: at, cpuUs: at, done: Math.ceil(at), wrong: 0, failed: 0, failure: '', ${more} } });`;
  const text = `
    const say = (line) => console.log(JSON.stringify(line));
    const serves = process.argv[1] === 'serve';
    say({ ready: { port: serves ? 7 : Number(process.argv[4]) } });
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'stop') process.exit(0);
      if (serves) { ${mark('')} } else { ${client.replace('MARK', mark('').trim())} }
    }).on('close', () => process.exit(0));`;
  return rival('scripted', ['unary'], { command: [process.execPath, '-e', text] });
}

test('two programs of the line protocol are measured between their marks', async () => {
  const measured = await measureRival(scripted('MARK'), full, { ...settings, seconds: 0.1 });
  assert.is(measured.failure, '');
  assert.ok(measured.done > 0 && measured.seconds >= 0.09, JSON.stringify(measured));
  assert.ok(Math.abs(measured.perSecond - measured.done / measured.seconds) < 1e-6);
});

test('a program that dies, babbles or does not start is a failed sample with the reason', async () => {
  const failureOf = async (one: Rival): Promise<string> => {
    const { failed, done, failure } = await measureRival(one, full, { ...settings, seconds: 0.1 });
    assert.is(failed, 1);
    assert.is(done, 0);
    return failure;
  };
  assert.match(
    await failureOf(scripted("throw new Error('lost it')")),
    /client of scripted ended \(exit code 1\): Error: lost it/,
  );
  assert.match(await failureOf(scripted("console.log('hello')")), /client of scripted said "hello"/);
  assert.match(await failureOf(scripted('say({})')), /something else than a mark/);
  assert.match(
    await failureOf(rival('absent', ['unary'], { command: ['/nowhere'] })),
    /server of absent did not start/,
  );
});

test('a program ends when its input does', async () => {
  const side = new LineProcess('server', [...(scripted('').command as string[]), 'serve', 'unary'], null);
  assert.is(await side.ready(), 7);
  await side.stop();
  await sleep(0);
  let failure = '';
  await side.mark().catch((error: Error) => (failure = error.message));
  assert.match(failure, /ended \(exit code 0\)/);
});

test('every rival in Node has a name, a set-up and a workload', () => {
  for (const { name, title, setup, workloads } of nodeRivals()) {
    assert.ok(title !== '' && setup !== '' && workloads.length > 0, name);
  }
});

test('engine and floors run without the packages of the rivals', async () => {
  const names = 'engine,engine-polling,engine-batches,engine-blob,engine-bytes,floor,raw-net,corked-net,framed-echo';
  const { code, output } = await runBench([
    'rivals',
    '--rivals',
    names,
    '--rounds',
    '1',
    '--seconds',
    '0.1',
    '--warm-up',
    '0',
    '--in-flight',
    '8',
  ]);
  assert.is(code, 0, output);
  assert.match(output, /raw node:net \(floor\)/);
});

test('options that make no sense are refused', async () => {
  for (const args of [
    ['--rivals', 'engin'],
    ['--workloads', 'unary,duplex'],
    ['--in-flight', '0'],
  ]) {
    const { code, output } = await runBench(['rivals', ...args]);
    assert.is(code, 2, output);
  }
});

test.run();
