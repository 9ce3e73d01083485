/** What a call allocates: the meter against a known amount, the sums behind it, and what is made of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AllocationMeter, allocatedBetween, type Collection, Rises } from '../../bench/allocation/meter.js';
import { type ProfileNode, sitesOf } from '../../bench/allocation/sites.js';
import { type AllocationSample, allocationSettings, reportAllocations } from '../../bench/commands/allocation.js';
import type { ContenderName } from '../../bench/contenders/names.js';
import { UsageError } from '../../bench/options.js';
import { printed } from './printed.js';

const collection = (before: number, after: number): Collection => ({
  gcType: 'Scavenge',
  beforeGC: { heapStatistics: { usedHeapSize: before } },
  afterGC: { heapStatistics: { usedHeapSize: after } },
});

test('what was allocated is the growth between collections, whatever they freed', () => {
  assert.is(allocatedBetween(100, [], 150), 50);
  assert.is(allocatedBetween(100, [collection(400, 120), collection(500, 90)], 130), 300 + 380 + 40);
});

test('rises are added up and falls are not', () => {
  const rises = new Rises(10);
  for (const value of [15, 3, 3, 8, 20, 0]) rises.look(value);
  assert.is(rises.sum, 5 + 5 + 12);
});

test('the meter finds the bytes of arrays of known size, over many collections', () => {
  const meter = new AllocationMeter();
  const elements = 1_000;
  const template = Array.from({ length: elements }, (_, i) => i);
  const arrays = 20_000;
  let kept: number[] = [];
  meter.begin();
  for (let i = 0; i < arrays; i++) kept = template.slice();
  const { heapBytes, scavenges, markCompacts } = meter.end();
  assert.is(kept.length, elements);
  assert.ok(scavenges + markCompacts > 1, `${scavenges} scavenges, ${markCompacts} mark-compacts`);
  // Each has a header of 16 bytes twice and 4 or 8 bytes an element, by the build of V8.
  const perArray = heapBytes / arrays;
  const near = (bytes: number): boolean => perArray > bytes * 0.97 && perArray < bytes * 1.06;
  assert.ok(near(elements * 8 + 48) || near(elements * 4 + 24), `${perArray} bytes an array`);
});

test('bytes of buffers are counted apart from the heap', async () => {
  const meter = new AllocationMeter();
  meter.begin();
  const buffer = Buffer.alloc(8 * 1024 * 1024);
  const { heapBytes, bufferBytes } = meter.end();
  assert.is(buffer.length, 8 * 1024 * 1024);
  assert.ok(bufferBytes >= buffer.length && bufferBytes < buffer.length * 1.1, `${bufferBytes} bytes of buffers`);
  assert.ok(heapBytes < buffer.length / 2, `${heapBytes} bytes of heap`);
});

test('a function has the bytes of all paths that led to it, and the most comes first', () => {
  const node = (functionName: string, url: string, selfSize: number, children: ProfileNode[] = []): ProfileNode => ({
    callFrame: { functionName, url, lineNumber: 6 },
    selfSize,
    children,
  });
  const engine = 'file:///somewhere/.build/src/a.js';
  const head = node('(root)', '', 0, [
    node('one', engine, 10, [node('two', engine, 30)]),
    node('two', engine, 5, [node('', '/x/node_modules/avsc/lib/types.js', 20)]),
    node('(V8 API)', '', 1),
  ]);
  assert.equal(sitesOf(head), [
    { place: 'two src/a.js:7', bytes: 35 },
    { place: '(anonymous) avsc/lib/types.js:7', bytes: 20 },
    { place: 'one src/a.js:7', bytes: 10 },
    { place: '(V8 API)', bytes: 1 },
  ]);
});

function sample(contender: ContenderName, sumBytes: number, more: Partial<AllocationSample> = {}): AllocationSample {
  const half = sumBytes / 2;
  return {
    round: 0,
    contender,
    inFlight: 64,
    calls: 1_000,
    clientBytes: half,
    serverBytes: half,
    sumBytes,
    clientBufferBytes: 0,
    serverBufferBytes: 0,
    scavenges: 1,
    markCompacts: 0,
    clientSites: [],
    serverSites: [{ place: 'readCanonical', bytes: 12.5 }],
    problem: null,
    ...more,
  };
}

const settings = { ...allocationSettings([]), inFlight: [64], rounds: 1 };

test('the target is judged against the floor, missed or met, and functions are printed when they were asked for', () => {
  const report = (engine: number, sites: number): string =>
    printed(() => {
      const samples = [sample('engine', engine), sample('floor', 1_000)];
      assert.is(reportAllocations({ ...settings, sites }, samples), 0);
    });
  assert.match(report(1_300, 0), /^target met: at 64 in flight at most 1.3 x floor: 1.300$/m);
  assert.match(report(1_310, 0), /^target MISSED: at 64 in flight at most 1.3 x floor: 1.310$/m);
  assert.not.match(report(1_300, 0), /readCanonical/);
  assert.match(report(1_300, 5), /^readCanonical +12\.5$/m);
});

test('wrong answers end with exit code 1 and without figures', () => {
  const text = printed(() => {
    const samples = [sample('engine', 1), sample('floor', 1, { problem: '1 answers were wrong' })];
    assert.is(reportAllocations(settings, samples), 1);
  });
  assert.is(text, 'FAILED: floor, 64 in flight: 1 answers were wrong');
});

test('options that make no sense are usage errors', () => {
  for (const args of [
    ['--calls', '0'],
    ['--contenders', 'engine,grp'],
    ['--inlining', 'maybe'],
    ['--sites', '-1'],
  ]) {
    assert.throws(
      () => allocationSettings(args),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

test.run();
