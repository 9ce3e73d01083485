/** Endpoints whose calls fail, through a channel: ejected, not attractive before, taken back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, leastLoaded, RpcError, roundRobin } from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { type Fleet, nothing, openFleet, Who } from './fleet.js';

const broken = (): never => {
  throw new RpcError('INTERNAL', 'the disk is full');
};

/** One call after the other; how many failed. */
async function failures({ channel, network }: Fleet, count: number): Promise<number> {
  const client = channel.client(Who);
  let failed = 0;
  for (let made = 0; made < count; made++) {
    await network.run(client.ask(nothing)).catch((error: RpcError) => {
      assert.is(error.code, 'INTERNAL');
      failed++;
    });
  }
  return failed;
}

test('a server that fails every call at once is ejected after five, asked no more, and taken back on probation', async () => {
  const made = await openFleet(['a', 'b', 'c', 'd', 'e'], { balancer: roundRobin }, { c: broken });
  assert.is(await failures(made, 100), 5);
  assert.is(made.describe('c').ejected, true);
  assert.is(made.describe('c').state, 'ready');
  assert.is(made.asked.filter((host) => host === 'c').length, 5);
  await made.network.advance(30_000);
  // One failure is enough now, and the next time is longer.
  assert.is(await failures(made, 100), 1);
  assert.is(made.describe('c').ejected, true);
  await made.close();
});

test('a server that fails fast does not attract calls by it before it is ejected', async () => {
  const ejection = { failuresInRowMax: 1_000 };
  const made = await openFleet(['a', 'b', 'c', 'd', 'e'], { balancer: leastLoaded, ejection }, { c: broken });
  const failed = await failures(made, 1_000);
  assert.ok(failed < 100, `${failed} of 1,000 calls went to the one of five that fails`);
  await made.close();
});

test('when all fail, half of them stay: it is not the endpoints', async () => {
  const works = { a: broken, b: broken, c: broken, d: broken };
  const made = await openFleet(['a', 'b', 'c', 'd'], { balancer: roundRobin }, works);
  assert.is(await failures(made, 200), 200);
  const ejected = made.channel.describe().endpoints.filter((endpoint) => endpoint.ejected);
  assert.is(ejected.length, 2);
  await made.close();
});

test('ejection: false never ejects; a wrong option is refused', async () => {
  const made = await openFleet(['a', 'b'], { ejection: false }, { b: broken });
  assert.is(await failures(made, 100), 50);
  assert.throws(
    () => connect('tcp://a:1', { ejection: { shareMax: 2 } }),
    (error: RpcError) => error.code === 'INVALID_ARGUMENT' && /shareMax is 2/.test(error.message),
  );
  await made.close();
});

test('the only endpoint that is left is not ejected, however it fails', async () => {
  const made = await openFleet(['a'], {}, { a: broken });
  assert.is(await failures(made, 50), 50);
  assert.is(made.describe('a').ejected, false);
  assert.is((await made.network.run(failureOf(made.channel.client(Who).ask(nothing)))).code, 'INTERNAL');
  await made.close();
});

test('an endpoint that was ejected is taken back in time, though it was the only one when that came', async () => {
  const made = await openFleet(['a', 'b'], { ejection: { ejectedMsFirst: 1_000 } }, { a: broken });
  await failures(made, 20);
  assert.is(made.describe('a').ejected, true);
  made.list.push('a');
  await made.network.advance(5_000);
  made.list.push('a', 'b');
  await made.network.advance(5_000);
  assert.is(made.describe('a').ejected, false);
  assert.is(await failures(made, 20), 1);
  await made.close();
});

test('a call is not retried at once where the only endpoint that has not failed it is ejected', async () => {
  const busy = (): never => {
    times.push(made.network.clock.now());
    throw new RpcError('UNAVAILABLE', 'busy');
  };
  const times: number[] = [];
  const made = await openFleet(['a', 'b'], { ejection: { ejectedMsFirst: 100_000 }, random: () => 0.5 }, { a: broken });
  await failures(made, 20);
  assert.is(made.describe('a').ejected, true);
  made.crash('b');
  made.up('b', busy);
  await made.network.advance(1_000);
  const failure = await made.network.run(failureOf(made.channel.client(Who).read(nothing)));
  assert.equal(
    failure.attempts.map(({ endpoint }) => endpoint),
    ['tcp://b:1', 'tcp://b:1', 'tcp://b:1'],
  );
  // Half of 25 ms, then half of 50 ms, and 2 ms on the way.
  assert.equal([(times[1] ?? 0) - (times[0] ?? 0) >= 12.5, (times[2] ?? 0) - (times[1] ?? 0) >= 25], [true, true]);
  await made.close();
});

test.run();
