/** What grows in `bench -- scaling`: the cases of each axis, and where a cost is said to grow. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scalingSettings } from '../../bench/commands/scaling.js';
import { UsageError } from '../../bench/options.js';
import { type AxisName, axisNames, callsOfBytes, caseOf } from '../../bench/scaling/axes.js';
import { growthOf, type Point, reportScaling } from '../../bench/scaling/report.js';
import { casesOf, type ScalingSample } from '../../bench/scaling/run.js';
import { defaultLimits } from '../../src/index.js';
import { printed } from './printed.js';

test('an axis changes what it is called by and what that needs, and nothing else', () => {
  const usual = caseOf('inFlight', 64);
  assert.equal(caseOf('connections', 16), {
    ...usual,
    axis: 'connections',
    value: 16,
    connections: 16,
    inFlight: 512,
    wide: false,
  });
  assert.is(caseOf('connectionsEach', 16).inFlight, 64);
  assert.is(caseOf('streams', 10_000).inFlight, 10_000);
  assert.is(caseOf('messageBytes', 256).messageBytes, 256);
  assert.is(caseOf('processes', 4).processes, 4);
});

test('what a default limit does not let through is asked for with limits of its own, and nothing else is', () => {
  for (const one of casesOf({ axes: axisNames, values: null })) {
    const perConnection = Math.ceil(one.inFlight / one.connections);
    assert.ok(one.wide || perConnection <= defaultLimits.callsInFlightMax, `${one.axis} ${one.value}`);
    assert.ok(one.messageBytes <= defaultLimits.messageBytesMax);
    assert.ok(!one.wide || one.axis === 'inFlight' || one.axis.startsWith('stream'), `${one.axis} ${one.value}`);
  }
});

test('fewer large messages are in flight than small ones, and two at least', () => {
  assert.is(callsOfBytes(16), 64);
  assert.is(callsOfBytes(1_048_576), 8);
  assert.is(callsOfBytes(4_194_304), 2);
});

function point(value: number, sumUs: number, bytes = 46): Point {
  const half = sumUs / 2;
  return {
    value,
    perSecond: 100,
    bytesPerSecond: 100 * bytes,
    clientUs: half,
    serverUs: half,
    sumUs,
    clientRssBytes: 0,
    serverRssBytes: 0,
  };
}

test('a cost grows when it is well above the least at a smaller value', () => {
  assert.is(growthOf('inFlight', [point(1, 100)]), null);
  assert.is(growthOf('inFlight', [point(1, 100), point(4, 50), point(16, 55)]), null);
  assert.is(growthOf('inFlight', [point(1, 100), point(4, 50), point(16, 75)]), 1.5);
});

test('the cost of messages is given per byte, from 4 KiB on', () => {
  const at = (bytes: number, sumUs: number): Point => point(bytes, sumUs, bytes);
  assert.is(growthOf('messageBytes', [at(16, 1), at(256, 2)]), null);
  assert.is(growthOf('messageBytes', [at(16, 1), at(256, 2), at(4_096, 8)]), null);
  assert.is(growthOf('messageBytes', [at(4_096, 8), at(8_192, 16)]), null);
  assert.is(growthOf('messageBytes', [at(4_096, 8), at(8_192, 32)]), 2);
});

const settings = { ...scalingSettings(['--axes', 'inFlight', '--values', '64,1']), rounds: 1 };

function sample(value: number, sumUs: number, problem: string | null = null): ScalingSample {
  return { ...caseOf('inFlight', value), round: 0, ...point(value, sumUs), problem };
}

test('values are taken in ascending order, and growth is printed', () => {
  assert.equal(settings.values, [1, 64]);
  const text = printed(() => {
    assert.is(reportScaling(settings, [sample(64, 30), sample(1, 20)]), 0);
  });
  assert.match(text, /^ +64 .* grows: 1.50 x$/m);
});

test('a case whose answers were wrong ends with exit code 1 and without figures; others keep theirs', () => {
  const text = printed(() => {
    assert.is(reportScaling(settings, [sample(1, 20), sample(64, 30, '1 answers were wrong')]), 1);
  });
  assert.match(text, /^FAILED: inFlight 64: 1 answers were wrong$/m);
  assert.match(text, /^ +1 .* 20.00 /m);
  assert.not.match(text, /^ +64 /m);
});

test('options that make no sense are usage errors', () => {
  const wrong: [string, ...string[]][] = [
    ['--axes', 'calls'],
    ['--values', '1'],
    ['--axes', 'messageBytes', '--values', '5000000'],
    ['--axes', 'streams' satisfies AxisName, '--values', '0'],
  ];
  for (const args of wrong) {
    assert.throws(
      () => scalingSettings(args),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

test.run();
