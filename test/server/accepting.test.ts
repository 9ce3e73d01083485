/** How a server takes new connections: paced, and bounded. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, Server } from '../../src/index.js';
import { AcceptPacer } from '../../src/server/accept-pacer.js';
import { VirtualClock } from '../support/clock.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';

const note = { id: 1, text: '' };

function socketOf(): { destroyed: boolean; on: () => never } {
  return { destroyed: false, on: () => undefined as never };
}

test('F30 sockets are accepted in order, so many per event-loop turn, without those that are gone by then', () => {
  const clock = new VirtualClock();
  const pacer = new AcceptPacer(clock);
  const accepted: number[] = [];
  const sockets = Array.from({ length: 100 }, socketOf);
  for (const [index, socket] of sockets.entries()) pacer.add(socket, () => void accepted.push(index));
  const perTurn = accepted.length;
  assert.ok(perTurn > 0 && perTurn < 50, `${perTurn} at once`);
  (sockets[perTurn] as { destroyed: boolean }).destroyed = true;
  clock.finishReads();
  assert.is(accepted.length, 2 * perTurn - 1);
  pacer.flush();
  assert.equal(
    accepted,
    Array.from({ length: 100 }, (_, index) => index).filter((index) => index !== perTurn),
  );
  clock.finishReads();
  clock.finishReads();
  assert.is(clock.pending, 0, 'nothing goes on');
});

test('F30 two hundred clients that connect together are all served', async () => {
  const server = new Server().add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channels = Array.from({ length: 200 }, () => connect(`tcp://127.0.0.1:${port}`));
  await Promise.all(channels.map((channel) => channel.client(Notes).echo(note)));
  assert.is(server.connectionCount, 200);
  await Promise.all(channels.map((channel) => channel.close()));
  await server.close();
});

test('a connection beyond connectionsMax is closed with a text that names the limit, and there is room when another has gone', async () => {
  const server = new Server({ limits: { connectionsMax: 1 } }).add(Notes, handlers());
  const { port } = await server.listen({ host: '127.0.0.1' });
  const first = connect(`tcp://127.0.0.1:${port}`);
  assert.equal(await first.client(Notes).echo(note), note);
  const second = connect(`tcp://127.0.0.1:${port}`, { retry: false });
  const failure = await failureOf(second.client(Notes).echo(note, { deadlineMs: 2_000 }));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.match(failure.message, /connectionsMax is 1 \(setting: limits\.connectionsMax\)/);
  await first.close();
  assert.equal(await second.client(Notes).echo(note, { waitForReady: true }), note);
  await second.close();
  await server.close();
});

test.run();
