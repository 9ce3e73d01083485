/** One simulated connection by itself: it ends, half-closes and resets as TCP does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedNetwork, type SimulatedNetworkOptions, type Transport } from '../../src/testing/index.js';

interface End {
  readonly transport: Transport;
  /** `onEnd`, `onDrain`, `closed`, `closed ECONNRESET`. */
  readonly events: string[];
  read(): string;
}

function watch(transport: Transport): End {
  const events: string[] = [];
  let text = '';
  transport.start({
    onData: (chunk) => void (text += chunk.toString('latin1')),
    onDrain: () => void events.push('drain'),
    onEnd: () => void events.push('end'),
    onClose: (error) => void events.push(error === null ? 'closed' : `closed ${(error as { code?: string }).code}`),
  });
  return { transport, events, read: () => text };
}

async function pair(options: Partial<SimulatedNetworkOptions> = {}, startAccepting = true) {
  const network = new SimulatedNetwork({ seed: 5, ...options });
  let accepted: Transport | undefined;
  network.listen('b', { accept: (transport) => void (accepted = transport) });
  const a = watch(await network.run(network.options('a').dial('tcp://b:1', 5_000)));
  const transport = accepted as Transport;
  return { network, a, b: startAccepting ? watch(transport) : null, accepted: transport };
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test('both halves end on their own, and then both sides are closed', async () => {
  const { network, a, b } = await pair();
  a.transport.write(bytes('one'));
  a.transport.end();
  await network.advance(10);
  assert.is(b?.read(), 'one');
  assert.equal(b?.events, ['end']);
  b?.transport.write(bytes('two'));
  b?.transport.end();
  await network.advance(10);
  assert.is(a.read(), 'two');
  assert.equal(
    [a.events, b?.events],
    [
      ['end', 'closed'],
      ['end', 'closed'],
    ],
  );
  assert.is(network.openSockets, 0);
  assert.is(network.clock.pending, 0);
});

test('destroying one side ends the stream of the other, whose next bytes are answered by a reset', async () => {
  const { network, a, b } = await pair();
  a.transport.write(bytes('last words'));
  a.transport.destroy();
  await network.advance(10);
  assert.equal(a.events, ['closed']);
  assert.is(b?.read(), 'last words');
  assert.equal(b?.events, ['end']);
  b?.transport.write(bytes('anybody?'));
  await network.advance(10);
  assert.equal(b?.events, ['end', 'closed ECONNRESET']);
  assert.is(network.openSockets, 0);
});

test('destroying a side that has not read resets the other', async () => {
  const { network, a, accepted } = await pair({}, false);
  a.transport.write(bytes('never read'));
  await network.advance(10);
  accepted.destroy();
  await network.advance(10);
  assert.equal(a.events, ['closed ECONNRESET']);
  assert.is(network.openSockets, 0);
  assert.is(network.clock.pending, 0);
});

test('a full window holds back, keeps the bytes where they are, and drains when the other side reads', async () => {
  const { network, a, b } = await pair({ flightBytesMax: 1_000 });
  b?.transport.pause();
  const written = Buffer.alloc(100_000, 'x');
  assert.is(a.transport.write(written), false);
  assert.is(a.transport.sentBytes, 1_000);
  assert.is(a.transport.unsentBytes, 99_000);
  await network.advance(1_000);
  assert.is(b?.read(), '');
  // What has not left is read where it was written.
  written.fill('y', 1_000);
  b?.transport.resume();
  await network.quiet();
  assert.is(b?.read(), 'x'.repeat(1_000) + 'y'.repeat(99_000));
  assert.equal(a.events, ['drain']);
  assert.is(a.transport.unsentBytes, 0);
});

test('the end of the stream waits behind what is paused', async () => {
  const { network, a, b } = await pair();
  b?.transport.pause();
  a.transport.write(bytes('one'));
  a.transport.end();
  await network.advance(100);
  assert.equal(b?.events, []);
  b?.transport.resume();
  await network.advance(100);
  assert.is(b?.read(), 'one');
  assert.equal(b?.events, ['end']);
});

test('with the way back closed what was read is not acknowledged, so the sender comes to a halt', async () => {
  const { network, a, b } = await pair({ flightBytesMax: 1_000 });
  network.partition('b', 'a', 'forth');
  a.transport.write(Buffer.alloc(3_000, 'x'));
  await network.advance(1_000);
  assert.is(b?.read().length, 1_000);
  assert.is(a.transport.unsentBytes, 2_000);
  network.heal();
  await network.advance(1_000);
  assert.is(b?.read().length, 3_000);
  assert.is(a.transport.unsentBytes, 0);
});

test('order is kept under jitter, cuts and changes of the way', async () => {
  const { network, a, b } = await pair({ jitterMs: 50, pieceBytesMax: 3, settling: 'microtasks' });
  let sent = '';
  for (let round = 0; round < 60; round++) {
    const text = `${round},`.repeat(network.random.between(1, 20));
    sent += text;
    a.transport.write(bytes(text));
    network.configure('a', 'b', { latencyMs: network.random.below(100) });
    if (round === 20) network.partition('a', 'b', 'forth');
    if (round === 40) network.heal();
    await network.advance(network.random.below(30));
  }
  await network.quiet();
  assert.is(b?.read(), sent);
});

test('a forgotten connection is silent on both sides until each gives it up', async () => {
  const { network, a, b } = await pair();
  network.sever('a', 'b');
  a.transport.write(bytes('lost'));
  b?.transport.write(bytes('lost'));
  await network.advance(60_000);
  assert.equal([a.read(), b?.read()], ['', '']);
  a.transport.destroy();
  await network.advance(60_000);
  assert.equal(a.events, ['closed']);
  assert.equal(b?.events, []);
  b?.transport.destroy();
  await network.advance(0);
  assert.is(network.openSockets, 0);
  assert.is(network.clock.pending, 0);
});

test('a connection that was reset before it had a listener reports the reset to the first one', async () => {
  const { network, a, accepted } = await pair({}, false);
  network.reset('a', 'b');
  await network.advance(10);
  assert.equal(a.events, ['closed ECONNRESET']);
  const late = watch(accepted);
  await network.advance(0);
  assert.equal(late.events, ['closed ECONNRESET']);
});

test.run();
