/** Hedged calls: a second attempt for those that are late, and one outcome. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError, roundRobin } from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { addressOf, type Fleet, nothing, openFleet, Who } from './fleet.js';

/** Two servers and 200 answered calls, so that the delay of a hedge is known: 7 ms are usual. */
async function warm(options: { readonly percentile?: number } = {}): Promise<Fleet> {
  const made = await openFleet(['a', 'b'], { hedging: options, balancer: roundRobin });
  for (let calls = 0; calls < 200; calls++) await made.network.run(made.channel.client(Who).read(nothing));
  return made;
}

test('a call that is late is made a second time elsewhere; the first answer counts, and the other attempt is cancelled', async () => {
  const made = await warm();
  const { network, asked } = made;
  assert.is(asked.length, 200);
  const aborted: string[] = [];
  for (const host of ['a', 'b']) made.crash(host);
  let first = '';
  for (const host of ['a', 'b']) {
    made.up(host, ({ signal }) => {
      if (first === '') first = host;
      signal.addEventListener('abort', () => aborted.push(host));
      return network.clock.sleep(host === first ? 500 : 5);
    });
  }
  await network.advance(5_000);
  const since = network.clock.now();
  const { value, attempts } = await network.run(made.channel.client(Who).read.detailed(nothing));
  const second = first === 'a' ? 'b' : 'a';
  assert.is(value.toString(), second);
  assert.equal(
    attempts.map(({ endpoint, code }) => ({ endpoint, code })),
    [
      { endpoint: addressOf(first), code: 'CANCELLED' },
      { endpoint: addressOf(second), code: 'OK' },
    ],
  );
  const took = network.clock.now() - since;
  assert.ok(took > 12 && took < 30, `${took} ms`);
  await network.advance(10);
  assert.equal(aborted, [first]);
  assert.is(made.channel.describe().retries.made, 1);
  assert.is(
    made.channel.describe().endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0),
    0,
  );
  await made.close();
});

test('methods that are not idempotent are not hedged', async () => {
  const made = await warm();
  for (const host of ['a', 'b']) made.crash(host);
  for (const host of ['a', 'b']) made.up(host, () => made.network.clock.sleep(200));
  await made.network.advance(5_000);
  made.asked.length = 0;
  await made.ask(1);
  assert.is(made.asked.length, 1);
  const { ask, read } = made.channel.client(Who);
  await made.network.run(read(nothing, { idempotent: false }));
  assert.is(made.asked.length, 2);
  await made.network.run(read(nothing));
  assert.is(made.asked.length, 4);
  // Of this method nothing is known yet.
  await made.network.run(ask(nothing, { idempotent: true }));
  assert.is(made.asked.length, 5);
  await made.close();
});

test('a caller that gives up ends both attempts; a failure of one waits for the other', async () => {
  const made = await warm();
  const { network } = made;
  let aborted = 0;
  let calls = 0;
  for (const host of ['a', 'b']) {
    made.crash(host);
    made.up(host, async ({ signal }) => {
      signal.addEventListener('abort', () => aborted++);
      const turn = ++calls;
      await network.clock.sleep(turn === 3 ? 30 : 100);
      if (turn === 3) throw new RpcError('INTERNAL', 'the first of the two');
    });
  }
  await network.advance(5_000);
  const controller = new AbortController();
  const cancelled = failureOf(made.channel.client(Who).read(nothing, { signal: controller.signal }));
  await network.advance(50);
  controller.abort(new Error('enough'));
  assert.is((await network.run(cancelled)).code, 'CANCELLED');
  await network.advance(200);
  assert.is(aborted, 2);
  assert.is(calls, 2);
  const { attempts } = await network.run(made.channel.client(Who).read.detailed(nothing));
  assert.equal(
    attempts.map(({ code }) => code),
    ['INTERNAL', 'OK'],
  );
  await made.close();
});

test('a wrong option is refused', () => {
  assert.throws(
    () => connect('tcp://a:1', { hedging: { percentile: 2 } }),
    (error: RpcError) => error.code === 'INVALID_ARGUMENT',
  );
});

test('the ledger of a call whose first attempt wins is that of this attempt, though another was made', async () => {
  const made = await warm();
  const { network, asked } = made;
  for (const host of ['a', 'b']) made.crash(host);
  let calls = 0;
  for (const host of ['a', 'b']) made.up(host, () => network.clock.sleep(calls++ === 0 ? 30 : 500));
  await network.advance(5_000);
  asked.length = 0;
  const { ledger } = await network.run(made.channel.client(Who).read.detailed(nothing, { ledger: true }));
  assert.is(asked.length, 2);
  assert.is(ledger?.waitingUs, 0);
  assert.ok((ledger?.peerHandlerUs ?? 0) >= 29_000, JSON.stringify(ledger));
  await made.close();
});

test.run();
