/** The window of a stream on a path with latency, in virtual time: it grows for who reads fast, and not for who reads slowly. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, connect, type Limits, Server } from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { Streams } from './stream-ends.js';

const ITEM_BYTES = 4_000;
const LATENCY_MS = 20;

async function measured(
  limits: Partial<Limits>,
  use: (streams: Client<typeof Streams>, network: SimulatedNetwork, made: () => number) => Promise<void>,
): Promise<void> {
  const network = new SimulatedNetwork({ seed: 1, latencyMs: LATENCY_MS, flightBytesMax: 64 << 20 });
  let made = 0;
  const server = new Server({ ...network.options('far'), limits }).add(Streams, {
    down: () => [],
    up: () => 0,
    both: (items) => items,
    *rawDown() {
      for (;;) {
        made++;
        yield Buffer.alloc(ITEM_BYTES);
      }
    },
    rawBoth: (items) => items,
  });
  network.listen('far', server);
  const channel = connect('tcp://far:1', { ...network.options('near'), limits });
  await use(channel.client(Streams), network, () => made);
  await network.run(Promise.all([channel.close({ graceMs: 0 }), server.close()]));
}

/** Bytes that arrive in `ms` of virtual time at a consumer that takes everything at once. */
async function readFast(limits: Partial<Limits>, ms: number): Promise<number> {
  let bytes = 0;
  await measured(limits, async (streams, network) => {
    const stream = streams.rawDown(Buffer.alloc(0), { deadlineMs: Infinity });
    const reading = (async () => {
      for await (const batch of stream.batches()) for (const item of batch) bytes += item.length;
    })();
    await network.advance(ms);
    await stream.return();
    await network.run(reading);
  });
  return bytes;
}

test('with 20 ms of latency the window grows eightfold, and so does what arrives', async () => {
  const rounds = 60;
  const ms = rounds * 2 * LATENCY_MS;
  const fixed = await readFast({ streamWindowBytesMax: 256 * 1024 }, ms);
  const growing = await readFast({}, ms);
  // A window a round trip, less what the first one takes and what the items do not fill.
  assert.ok(fixed > 0.7 * rounds * 256 * 1024 && fixed <= rounds * 256 * 1024, `${fixed} bytes`);
  assert.ok(growing > 4 * fixed, `${growing} bytes against ${fixed}`);
});

test('a consumer that is slow keeps the window where it was, so its producer is never further ahead', async () => {
  await measured({}, async (streams, network, made) => {
    const stream = streams.rawDown(Buffer.alloc(0), { deadlineMs: Infinity });
    let taken = 0;
    let aheadMax = 0;
    const reading = (async () => {
      for await (const item of stream) {
        void item;
        taken++;
        aheadMax = Math.max(aheadMax, made() - taken);
        if (taken === 2_000) break;
        await network.clock.sleep(2);
      }
    })();
    await network.run(reading);
    assert.is(taken, 2_000);
    assert.ok(aheadMax * ITEM_BYTES <= 256 * 1024 + ITEM_BYTES, `${aheadMax} items ahead`);
  });
});

test('a window that is set larger than it grows to stays as it is set', async () => {
  const bytes = await readFast({ streamWindowBytes: 4 << 20 }, 10 * 2 * LATENCY_MS);
  assert.ok(bytes > 8 * (4 << 20) * 0.8, `${bytes} bytes`);
});

test.run();
