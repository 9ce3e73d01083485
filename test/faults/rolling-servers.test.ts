/**
 * Three processes behind one channel, each ended by SIGTERM and started again in turn: a rolling restart in small. The large one is
 * `npm run bench -- rolling`.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect } from '../../src/index.js';
import { freePort } from '../support/ports.js';
import { TestProcess } from '../support/process.js';
import { Notes, sleep } from '../support/rpc.js';

const SERVERS = 3;
const RESTARTS = 2;
const CALLERS = 48;
/** Calls between two restarts: every caller has its turn at every server. */
const CALLS_A_RESTART = 4 * CALLERS;

const script = new URL('./rolling-process.js', import.meta.url);

test(`F13 ${SERVERS} processes restarted ${RESTARTS} times each by SIGTERM under ${CALLERS} callers: no call fails, none runs twice`, async () => {
  const ports: number[] = [];
  for (let index = 0; index < SERVERS; index++) ports.push(await freePort());
  const start = (port: number): Promise<TestProcess> => TestProcess.start(script, { args: [`${port}`] });
  const servers = await Promise.all(ports.map(start));
  const channel = connect(ports.map((port) => `tcp://127.0.0.1:${port}`));
  const notes = channel.client(Notes);
  let calls = 0;
  let answered = 0;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) {
      const id = calls++;
      assert.is((await notes.echo({ id, text: '' })).id, id);
      answered++;
      // The processes need the processor to start.
      await sleep(1 + (id % 4));
    }
  };
  const ran: number[] = [];
  const end = async (server: TestProcess): Promise<void> => {
    const ids = server.hear();
    server.signal('SIGTERM');
    for (const id of (await ids) as number[]) ran.push(id);
    assert.equal(await server.exited(), { code: 0, signal: null });
  };
  try {
    await channel.ready();
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    for (let restarts = 0; restarts < SERVERS * RESTARTS; restarts++) {
      const enough = answered + CALLS_A_RESTART;
      while (answered < enough) await Promise.race([sleep(2), callers]);
      const index = restarts % SERVERS;
      await Promise.race([end(servers[index] as TestProcess), callers]);
      servers[index] = await start(ports[index] as number);
    }
    over = true;
    await callers;
    await channel.close();
    for (const server of servers) await end(server);
    assert.is(new Set(ran).size, calls);
    assert.is(ran.length, calls);
  } finally {
    over = true;
    await channel.close({ graceMs: 100 });
    for (const server of servers) await server.kill();
  }
});

test.run();
