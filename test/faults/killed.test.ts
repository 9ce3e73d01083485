/**
 * SIGKILL of one of two servers under load, again and again. `TRUNKLINE_KILLS=100` for as many as the list of faults names; it prints
 * the longest times that it saw.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError } from '../../src/index.js';
import { until } from '../rpc/until.js';
import { freePort } from '../support/ports.js';
import { TestProcess } from '../support/process.js';
import { Notes, sleep } from '../support/rpc.js';

const KILLS = Number(process.env['TRUNKLINE_KILLS'] ?? 6);
const CALLERS = 32;
/** Calls between two kills. */
const CALLS_A_KILL = 8 * CALLERS;
/** Far below the deadline, far above the time of a reset on a busy machine. */
const SETTLE_MS_MAX = 5_000;
const RECONNECT_MS_MAX = 2_000;

const script = new URL('./killed-process.js', import.meta.url);

interface Flight {
  readonly ended: Promise<unknown>;
}

test(`F12 ${KILLS} times SIGKILL under ${CALLERS} callers: all calls settle, failures are started=maybe, none runs twice, and the next server is found`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-killed-'));
  const began = join(folder, 'began');
  const ports = [await freePort(), await freePort()];
  const start = (port: number): Promise<TestProcess> => TestProcess.start(script, { args: [`${port}`, began] });
  const servers = await Promise.all(ports.map(start));
  const channel = connect(ports.map((port) => `tcp://127.0.0.1:${port}`));
  const notes = channel.client(Notes);
  const stateOf = (index: number) => {
    const address = `tcp://127.0.0.1:${ports[index]}`;
    return channel.describe().endpoints.find((endpoint) => endpoint.address === address)?.state;
  };
  let calls = 0;
  let answered = 0;
  let over = false;
  const answeredIds = new Set<number>();
  const unstarted: RpcError[] = [];
  const others: unknown[] = [];
  const flying = new Set<Flight>();

  const call = async (id: number): Promise<void> => {
    try {
      assert.is((await notes.echo({ id, text: '' }, { deadlineMs: 60_000 })).id, id);
      answered++;
      answeredIds.add(id);
    } catch (error) {
      if (!(error instanceof RpcError) || error.code !== 'UNAVAILABLE') others.push(error);
      else if (error.started !== 'maybe') unstarted.push(error);
      await sleep(1);
    }
  };
  const caller = async (): Promise<void> => {
    while (!over) {
      const flight = { ended: call(calls++) };
      flying.add(flight);
      await flight.ended;
      flying.delete(flight);
    }
  };

  try {
    await channel.ready();
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    await until(() => stateOf(0) === 'ready' && stateOf(1) === 'ready', 'both connections');
    let settledMsMax = 0;
    let reconnectedMsMax = 0;
    for (let kills = 0; kills < KILLS; kills++) {
      const enough = answered + CALLS_A_KILL;
      while (answered < enough) await Promise.race([sleep(2), callers]);
      const index = kills % 2;
      const before = [...flying];
      const killedAt = performance.now();
      (servers[index] as TestProcess).signal('SIGKILL');
      await Promise.all(before.map(({ ended }) => ended));
      const settledMs = performance.now() - killedAt;
      settledMsMax = Math.max(settledMsMax, settledMs);
      assert.ok(settledMs < SETTLE_MS_MAX, `calls settled after ${settledMs} ms`);
      await (servers[index] as TestProcess).exited();
      servers[index] = await start(ports[index] as number);
      const upAt = performance.now();
      await until(() => stateOf(index) === 'ready', 'the connection to the next server');
      const reconnectedMs = performance.now() - upAt;
      reconnectedMsMax = Math.max(reconnectedMsMax, reconnectedMs);
      // The wait between two attempts grows with the time that the server was away.
      const bound = Math.max(RECONNECT_MS_MAX, upAt - killedAt);
      assert.ok(reconnectedMs < bound, `reconnected after ${reconnectedMs} ms`);
    }
    over = true;
    await callers;
    if (process.env['TRUNKLINE_KILLS'] !== undefined) {
      const times = `settled within ${settledMsMax.toFixed(0)} ms, connected again within ${reconnectedMsMax.toFixed(0)} ms`;
      console.log(`${KILLS} kills, ${calls} calls, ${calls - answered} failed: ${times}`);
    }
    assert.equal(others, []);
    assert.equal(unstarted, [], 'while the other server is up, calls that did not start are made there');
    const ran = readFileSync(began, 'utf8').trimEnd().split('\n').map(Number);
    assert.is(new Set(ran).size, ran.length, 'none runs twice');
    const runs = new Set(ran);
    assert.ok([...answeredIds].every((id) => runs.has(id)));
  } finally {
    over = true;
    await channel.close({ graceMs: 0 });
    for (const server of servers) await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
