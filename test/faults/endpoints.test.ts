/** Faults at one of several endpoints: retryable calls are answered by another endpoint, others fail once with the reason. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Balancer, type ClientChannel, connect, RpcError, Server } from '../../src/index.js';
import { until } from '../rpc/until.js';
import { VirtualClock } from '../support/clock.js';
import { frame } from '../support/frames.js';
import { freePort } from '../support/ports.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, gate, handlers, Notes, type NotesHandlers } from '../support/rpc.js';
import { ScriptedListener } from '../support/scripted-listener.js';
import type { ScriptedPeer } from '../support/scripted-peer.js';
import { Random } from '../support/seed.js';

const note = { id: 1, text: 'one' };

/** The first that is up, in the order of their names. */
const inOrder: Balancer = (candidates) => ({ pick: () => candidates[0] as (typeof candidates)[0] });

const tcp = (port: number): string => `tcp://127.0.0.1:${port}`;

async function allReady(channel: ClientChannel): Promise<void> {
  await channel.ready();
  await until(() => channel.describe().endpoints.every(({ state }) => state === 'ready'), 'a connection to each');
}

/** A server and a proxy before it. */
async function proxied(replaced: Partial<NotesHandlers> = {}) {
  // PING as often as these tests ask.
  const server = new Server({ limits: { pingIntervalMsMin: 10 } }).add(Notes, handlers(replaced));
  const { port } = await server.listen({ host: '127.0.0.1' });
  const proxy = await FaultProxy.start(port);
  const close = async (): Promise<void> => {
    proxy.close();
    await server.close();
  };
  return { server, proxy, close };
}

// On a clock of their own, calls that wait hold no timer that keeps the process, and under Deno a socket that connects does not either.
let alive: NodeJS.Timeout;
test.before(() => {
  alive = setInterval(() => {}, 1_000);
});
test.after(() => clearInterval(alive));

test('F1 where all ports are closed a call is UNAVAILABLE, started=no, without any delay', async () => {
  const clock = new VirtualClock();
  const channel = connect([tcp(await freePort()), tcp(await freePort())], { clock });
  const failure = await failureOf(channel.client(Notes).echo(note));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /ECONNREFUSED/);
  await channel.close();
  assert.is(clock.pending, 0);
});

test('F1 beside a closed port every call is answered by the endpoint that is up', async () => {
  const server = new Server().add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const closed = tcp(await freePort());
  const channel = connect([closed, tcp(port)]);
  const notes = channel.client(Notes);
  for (let id = 0; id < 20; id++) assert.is((await notes.echo({ id, text: '' })).id, id);
  const { endpoints } = channel.describe();
  assert.match(endpoints.find(({ address }) => address === closed)?.failure ?? '', /ECONNREFUSED/);
  await channel.close();
  await server.close();
});

test('F1 attempts to reach each of several closed ports wait 100 ms, then 1.6 times as long each time, jittered by 20 %', async () => {
  const clock = new VirtualClock(0);
  const random = new Random(1);
  const attempts = new Map<string, number[]>();
  const addresses = ['tcp://one:1', 'tcp://two:1', 'tcp://three:1'];
  const channel = connect(addresses, {
    clock,
    random: () => random.unit(),
    dial: async (address) => {
      attempts.set(address, [...(attempts.get(address) ?? []), clock.now()]);
      throw new RpcError('UNAVAILABLE', 'nobody listens');
    },
  });
  const failed = failureOf(channel.client(Notes).echo(note, { waitForReady: true, deadlineMs: 20_000 }));
  await clock.advanceSettled(21_000);
  assert.is((await failed).code, 'DEADLINE_EXCEEDED');
  for (const address of addresses) {
    const times = attempts.get(address) ?? [];
    assert.is(times[0], 0);
    assert.ok(times.length >= 10 && times.length <= 12, `${times.length} attempts`);
    for (let attempt = 1; attempt < times.length; attempt++) {
      const waited = (times[attempt] as number) - (times[attempt - 1] as number);
      const share = waited / (100 * 1.6 ** (attempt - 1));
      assert.ok(share >= 0.8 && share <= 1.2, `attempt ${attempt} after ${waited} ms`);
    }
  }
  assert.is(new Set(addresses.map((address) => attempts.get(address)?.[1])).size, 3, 'each has its own jitter');
  await channel.close();
  assert.is(clock.pending, 0);
});

test('F3 when a connection is reset, calls that were not sent are answered by another endpoint, once each', async () => {
  const ran: number[] = [];
  const first = await proxied();
  const second = await proxied({
    bytes: (bytes) => {
      ran.push(bytes.readUInt32LE(0));
      return bytes;
    },
  });
  const channel = connect([tcp(first.proxy.port), tcp(second.proxy.port)], {
    balancer: inOrder,
    limits: { writeQueueBytesSoft: 65_536 },
  });
  const notes = channel.client(Notes);
  await allReady(channel);
  // Nobody reads: the kernel takes what it can hold, the other calls wait.
  first.proxy.hold('toServer');
  const calls = Array.from({ length: 40 }, (_, id) => {
    const bytes = Buffer.alloc(1_000_000);
    bytes.writeUInt32LE(id);
    return notes.bytes(bytes);
  });
  const outcomes = Promise.allSettled(calls);
  await until(() => first.proxy.open > 0, 'the proxy');
  await new Promise((resolve) => setTimeout(resolve, 50));
  first.proxy.reset();
  const answered: number[] = [];
  for (const [id, outcome] of (await outcomes).entries()) {
    if (outcome.status === 'fulfilled') {
      assert.is(outcome.value.readUInt32LE(0), id);
      answered.push(id);
      continue;
    }
    const failure = outcome.reason as RpcError;
    assert.is(failure.code, 'UNAVAILABLE');
    assert.is(failure.started, 'maybe');
  }
  assert.ok(answered.length >= 10, `${answered.length} were answered`);
  assert.equal(
    ran.sort((a, b) => a - b),
    answered,
  );
  await channel.close({ graceMs: 100 });
  await first.close();
  await second.close();
});

test('F3 an endpoint that resets inside its handshake fails no call', async () => {
  const first = await proxied();
  const second = await proxied();
  first.proxy.resetAfter(10, 'toClient');
  const channel = connect([tcp(first.proxy.port), tcp(second.proxy.port)], { balancer: inOrder });
  const notes = channel.client(Notes);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, id) => notes.echo({ id, text: '' })));
  assert.ok(answers.every(({ id }, index) => id === index));
  await until(() => first.proxy.accepted > 1, 'another attempt');
  await channel.close({ graceMs: 100 });
  await first.close();
  await second.close();
});

test('F8 a silent endpoint: its calls fail after the keepalive time; retryable and new calls are answered by another endpoint', async () => {
  const never = () => new Promise<never>(() => {});
  const first = await proxied({ echo: never });
  const second = await proxied();
  const channel = connect([tcp(first.proxy.port), tcp(second.proxy.port)], {
    balancer: inOrder,
    limits: { keepaliveMs: 100, keepaliveTimeoutMs: 100 },
  });
  const notes = channel.client(Notes);
  await allReady(channel);
  const lost = failureOf(notes.echo(note, { deadlineMs: 60_000 }));
  const again = notes.echo({ id: 2, text: '' }, { deadlineMs: 60_000, idempotent: true });
  await until(() => channel.describe().endpoints[0]?.inFlight === 2, 'both calls');
  first.proxy.blackhole();
  const from = performance.now();
  const failure = await lost;
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'maybe');
  assert.match(failure.message, /KEEPALIVE_TIMEOUT/);
  assert.is((await again).id, 2);
  // Far more than the keepalive, far less than the deadline.
  assert.ok(performance.now() - from < 10_000);
  for (let id = 0; id < 20; id++) assert.is((await notes.echo({ id, text: '' })).id, id);
  assert.is(channel.describe().endpoints[0]?.state === 'ready', false);
  first.proxy.heal();
  await channel.close({ graceMs: 100 });
  await first.close();
  await second.close();
});

test('F15 calls that crossed the DRAIN of one endpoint are answered by another, and list both attempts', async () => {
  const listeners = [await ScriptedListener.listen(), await ScriptedListener.listen()] as const;
  const channel = connect(
    listeners.map(({ port }) => tcp(port)),
    { balancer: inOrder },
  );
  const accept = async (listener: ScriptedListener): Promise<ScriptedPeer> => {
    const peer = await listener.accept();
    await peer.handshake();
    return peer;
  };
  const ready = channel.ready();
  const [old, other] = await Promise.all(listeners.map(accept));
  await ready;
  await allReady(channel);
  const notes = channel.client(Notes);
  const calls = ['a', 'b', 'c'].map((text) => notes.bytes.detailed(Buffer.from(text)));
  const sent = [];
  for (let got = 0; got < 3; got++) sent.push(await old.skipTo('REQUEST'));
  old.sendRecord('DRAIN', { text: 'restarting', graceMs: 20_000 });
  old.send(frame('RESPONSE', { call: sent[0].call, payload: 'a, before' }));
  const refusal = { code: 14, started: 'NO', text: 'draining', retryAfterMs: null, elsewhere: true, detail: null };
  for (const { call } of sent.slice(1)) old.sendRecord('FAILURE', { ...refusal, started: 'NO' }, call);
  for (let got = 0; got < 2; got++) {
    const { call, payload } = await other.skipTo('REQUEST');
    other.send(frame('RESPONSE', { call, payload: payload.subarray(4) }));
  }
  const [a, b, c] = await Promise.all(calls);
  assert.equal(
    [a, b, c].map(({ value }) => value.toString()),
    ['a, before', 'b', 'c'],
  );
  assert.is(a.attempts.length, 1);
  for (const { attempts } of [b, c]) {
    assert.equal(
      attempts.map(({ endpoint, code, started }) => [endpoint, code, started]),
      [
        [tcp(listeners[0].port), 'UNAVAILABLE', 'no'],
        [tcp(listeners[1].port), 'OK', 'yes'],
      ],
    );
  }
  await channel.close({ graceMs: 0 });
  for (const listener of listeners) await listener.close();
});

test('F13 F15 three servers drain in turn under many callers: no call fails, each runs once', async () => {
  const runs = new Map<number, number>();
  let served = 0;
  let enough: () => void = () => {};
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const serve = async (port: number): Promise<Server> => {
    const server = new Server().add(
      Notes,
      handlers({
        echo: (request) => {
          runs.set(request.id, (runs.get(request.id) ?? 0) + 1);
          if (--served === 0) enough();
          return request.id % 3 === 0 ? turn().then(() => request) : request;
        },
      }),
    );
    await server.listen({ host: '127.0.0.1', port });
    return server;
  };
  const ports = [await freePort(), await freePort(), await freePort()];
  const servers: Server[] = [];
  for (const port of ports) servers.push(await serve(port));
  const channel = connect(ports.map(tcp));
  const notes = channel.client(Notes);
  let calls = 0;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) {
      const id = calls++;
      assert.is((await notes.echo({ id, text: '' })).id, id);
      if (id % 2 === 0) await turn();
    }
  };
  const callers = Promise.all(Array.from({ length: 64 }, caller));
  for (let drained = 0; drained < 9; drained++) {
    const answered = gate();
    served = 256;
    enough = answered.open;
    // A caller that fails ends the test at once, with its error.
    await Promise.race([answered.opened, callers]);
    const index = drained % 3;
    const old = servers[index] as Server;
    const draining = old.drain();
    if (drained % 2 === 0) assert.equal((await draining).cancelled, []);
    servers[index] = await serve(ports[index] as number);
    assert.equal((await draining).cancelled, []);
  }
  over = true;
  await callers;
  assert.is(runs.size, calls);
  assert.ok(Array.from(runs.values()).every((times) => times === 1));
  await channel.close();
  for (const server of servers) await server.close();
});

test.run();
