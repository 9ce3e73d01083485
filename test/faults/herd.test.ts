/** F30: a thousand clients lose their server at the same moment, and come back to the next one over the width of their jitter. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientChannel, connect, Server } from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { freePort } from '../support/ports.js';
import { TestProcess } from '../support/process.js';
import { handlers, Notes } from '../support/rpc.js';

const CLIENTS = 1_000;
/** The window is 40 % of a backoff wide; evenly spread, each of its tenths holds a tenth of the attempts. */
const JITTER = 0.2;
const TENTH_SHARE_MAX = 0.2;

/** A call of each client, answered as soon as somebody can. */
function callAll(channels: readonly ClientChannel[]): Promise<unknown> {
  return Promise.all(
    channels.map(async (channel, id) => {
      const answer = await channel.client(Notes).echo({ id, text: '' }, { waitForReady: true, deadlineMs: 60_000 });
      assert.is(answer.id, id);
    }),
  );
}

test(`F30 ${CLIENTS} clients of a crashed server spread their attempts evenly over the jitter of each backoff`, async () => {
  const network = new SimulatedNetwork({ seed: 30, settling: 'microtasks' });
  const serve = (): Server => {
    const server = new Server(network.options('orders')).add(Notes, handlers());
    network.listen('orders', server);
    return server;
  };
  serve();
  /** By client: when it dialled. */
  const attempts: number[][] = [];
  const channels = Array.from({ length: CLIENTS }, (_, client): ClientChannel => {
    const options = network.options(`client ${client}`);
    const dial: typeof options.dial = (address, connectMsMax) => {
      attempts[client]?.push(network.clock.now());
      return options.dial(address, connectMsMax);
    };
    return connect('tcp://orders:1', { ...options, dial });
  });
  await network.run(callAll(channels));
  network.crash('orders');
  // All have noticed, and call in the same instant.
  await network.advance(10);
  for (let client = 0; client < CLIENTS; client++) attempts[client] = [];
  const answered = callAll(channels);
  await network.advance(300);
  const next = serve();
  await network.run(answered);
  assert.is(next.connectionCount, CLIENTS);

  // It is refused after the time that a SYN and its answer take: the backoff counts from there.
  const refusalMs = 2;
  for (const retry of [1, 2]) {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const times of attempts) {
      const waited = (times[retry] as number) - (times[retry - 1] as number) - refusalMs;
      const share = waited / (100 * 1.6 ** (retry - 1));
      const tenth = Math.floor(((share - (1 - JITTER)) / (2 * JITTER)) * 10);
      assert.ok(tenth >= 0 && tenth < 10, `retry ${retry} after ${waited} ms`);
      tenths[tenth] = (tenths[tenth] as number) + 1;
    }
    assert.ok(Math.max(...tenths) <= TENTH_SHARE_MAX * CLIENTS, `retry ${retry} by tenths: ${tenths.join()}`);
    assert.ok(Math.min(...tenths) > 0, `retry ${retry} by tenths: ${tenths.join()}`);
  }
  const closing = channels.map((channel) => channel.close());
  await network.run(Promise.all([...closing, next.close()]));
  assert.is(network.openSockets, 0);
});

test(`F30 ${CLIENTS} clients of a killed process are all answered by the next one`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-herd-'));
  const port = await freePort();
  const start = (): Promise<TestProcess> =>
    TestProcess.start(new URL('./killed-process.js', import.meta.url), { args: [`${port}`, join(folder, 'began')] });
  let server = await start();
  // However busy the machine is: how fast it is is not the question.
  const limits = { connectMsMax: 60_000 };
  const channels = Array.from({ length: CLIENTS }, () => connect(`tcp://127.0.0.1:${port}`, { limits }));
  try {
    await callAll(channels);
    await server.kill();
    const lost = (): number => channels.filter(({ peer }) => peer === null).length;
    while (lost() < CLIENTS) await new Promise((resolve) => setTimeout(resolve, 5));
    const answered = callAll(channels);
    server = await start();
    await answered;
    await callAll(channels);
  } finally {
    await Promise.all(channels.map((channel) => channel.close({ graceMs: 0 })));
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
