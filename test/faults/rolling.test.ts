/**
 * One port, many servers one after the other: each drains, and the next listens as soon as its port is free, while callers do not
 * stop. No call fails, none runs twice. `TRUNKLINE_DRAINS=200` for as many servers as the acceptance names.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, Server } from '../../src/index.js';
import { TestProcess, withProcess } from '../support/process.js';
import { failureOf, handlers, Notes, sleep } from '../support/rpc.js';

const DRAINS = Number(process.env['TRUNKLINE_DRAINS'] ?? 8);
const CALLERS = 64;
/** Calls that a server answers before it drains: every caller has had its turn. */
const CALLS_A_SERVER = 4 * CALLERS;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `gapMs`: nobody listens for so long. */
async function roll(servers: number, gapMs: number): Promise<void> {
  const runs = new Map<number, number>();
  let served = 0;
  let enough: () => void = () => {};
  const serve = (): Server =>
    new Server().add(
      Notes,
      handlers({
        echo: (request) => {
          runs.set(request.id, (runs.get(request.id) ?? 0) + 1);
          if (++served === CALLS_A_SERVER) enough();
          // Some answer at once, some are running when the drain begins.
          return request.id % 3 === 0 ? turn().then(() => request) : request;
        },
      }),
    );
  let server = serve();
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const notes = channel.client(Notes);
  let calls = 0;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) {
      const id = calls++;
      const answer = await notes.echo({ id, text: 'rolling' });
      assert.is(answer.id, id);
      // So that at any time some requests are on their way, and cross DRAIN.
      if (id % 2 === 0) await turn();
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  const failed = Promise.all(callers);
  const drains: Promise<unknown>[] = [];
  for (let drained = 0; drained < servers; drained++) {
    served = 0;
    const answered = new Promise<void>((resolve) => {
      enough = resolve;
    });
    // A caller that fails ends the test at once, with its error.
    await Promise.race([answered, failed]);
    await turn();
    drains.push(server.drain());
    if (gapMs > 0) await sleep(gapMs);
    server = serve();
    await server.listen({ host: '127.0.0.1', port });
  }
  over = true;
  await failed;
  for (const { cancelled } of (await Promise.all(drains)) as { cancelled: unknown[] }[]) assert.equal(cancelled, []);
  assert.is(runs.size, calls);
  assert.ok(Array.from(runs.values()).every((times) => times === 1));
  await channel.close();
  await server.drain();
}

test(`F13 F15 ${DRAINS} servers drain one after the other under ${CALLERS} callers: no call fails, none runs twice`, () =>
  roll(DRAINS, 0));

test('F13 the next server may start late: refused and new calls wait for it', () => roll(3, 60));

test('F13 SIGTERM ends one process and another takes over its port: no call of many callers fails or runs twice', async () => {
  const script = new URL('./rolling-process.js', import.meta.url);
  const first = await TestProcess.start(script, { args: ['0'] });
  const processes = [first];
  const { port } = first.ready as { port: number };
  const channel = connect(`tcp://127.0.0.1:${port}`);
  try {
    const notes = channel.client(Notes);
    const answered = new Map<string, number>();
    let calls = 0;
    let over = false;
    const caller = async (): Promise<void> => {
      while (!over) {
        const id = calls++;
        const answer = await notes.echo({ id, text: '' });
        assert.is(answer.id, id);
        answered.set(answer.text, (answered.get(answer.text) ?? 0) + 1);
        // The processes need the processor to start.
        await sleep(1 + (id % 4));
      }
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    const ran: number[] = [];
    for (let restarts = 0; restarts <= 3; restarts++) {
      const server = processes[restarts] as TestProcess;
      while ((answered.get(`${server.pid}`) ?? 0) < CALLS_A_SERVER) await Promise.race([sleep(2), callers]);
      if (restarts === 3) over = true;
      else processes.push(await TestProcess.start(script, { args: [`${port}`] }));
      if (over) await callers;
      const ids = server.hear();
      server.signal('SIGTERM');
      for (const id of (await ids) as number[]) ran.push(id);
    }
    assert.is(new Set(ran).size, calls);
    assert.is(ran.length, calls);
  } finally {
    await channel.close({ graceMs: 100 });
    for (const server of processes) await server.kill();
  }
});

test('F14 SIGTERM with a hung handler: after the grace its call is CANCELLED, and the process ends', async () => {
  await withProcess(new URL('./draining-process.js', import.meta.url), {}, async (server) => {
    const { port } = server.ready as { port: number };
    const channel = connect(`tcp://127.0.0.1:${port}`);
    const notes = channel.client(Notes);
    const hung = failureOf(notes.echo({ id: 1, text: 'hung' }));
    // Its answer comes behind the call that hangs.
    await notes.bytes(Buffer.from('running'));
    server.signal('SIGTERM');
    const failure = await hung;
    assert.is(failure.code, 'CANCELLED');
    assert.is(failure.started, 'yes');
    assert.equal(await server.exited(), { code: 0, signal: null });
    assert.match(server.output, /test\.Notes\/echo was running/);
    await channel.close();
  });
});

test.run();
