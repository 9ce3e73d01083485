/** Calls in both directions over one connection: the server calls the clients that are connected to it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ChannelOptions,
  type ClientChannel,
  connect,
  defineService,
  oneway,
  type Peer,
  RpcError,
  raw,
  Server,
  type ServerOptions,
  serverStream,
  unary,
} from '../../src/index.js';
import { FaultProxy } from '../support/proxy.js';
import { failureOf, gate, handlers, Note, Notes, type NotesHandlers, sleep } from '../support/rpc.js';
import { until } from './until.js';

const note = { id: 1, text: 'one' };

/** What clients serve. */
const Screen = defineService('test.Screen', {
  show: unary({ request: Note, response: Note }),
  lines: serverStream({ request: 'int', response: 'string' }),
  blink: oneway({ request: raw }),
});

interface Both {
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly port: number;
  close(): Promise<void>;
}

async function both(
  replaced: Partial<NotesHandlers> = {},
  options: { server?: ServerOptions; channel?: ChannelOptions; through?: (port: number) => Promise<number> } = {},
): Promise<Both> {
  const server = new Server(options.server).add(Notes, handlers(replaced));
  const { port } = await server.listen({ host: '127.0.0.1' });
  const dialed = (await options.through?.(port)) ?? port;
  const channel = connect(`tcp://127.0.0.1:${dialed}`, options.channel);
  const close = async (): Promise<void> => {
    await channel.close({ graceMs: 100 });
    await server.close();
  };
  return { server, channel, port, close };
}

function addScreen(channel: ClientChannel, show: (given: { id: number; text: string }) => unknown = (it) => it): void {
  channel.add(Screen, {
    show: async (request) => (await show(request)) as typeof request,
    *lines(count) {
      for (let line = 0; line < count; line++) yield `line ${line}`;
    },
    blink: () => {},
  });
}

/** The one client that is connected. */
async function onlyPeer(server: Server): Promise<Peer> {
  await until(() => server.peers.length === 1, 'the peer');
  return server.peers[0] as Peer;
}

test('a handler calls the client that called it, which calls the server again, three deep', async () => {
  const { channel, close } = await both({
    echo: async (request, context) => {
      if (request.text.length >= 3) return request;
      return context.peer.client(Screen).show({ id: request.id + 1, text: `${request.text}s` });
    },
  });
  const notes = channel.client(Notes);
  addScreen(channel, (given) => notes.echo({ id: given.id + 1, text: `${given.text}c` }));
  assert.equal(await notes.echo({ id: 0, text: '' }), { id: 4, text: 'scsc' });
  const many = await Promise.all(Array.from({ length: 200 }, (_, id) => notes.echo({ id, text: '' })));
  assert.ok(many.every((answer, id) => answer.id === id + 4));
  await close();
});

test('server.peers finds the clients beyond a call; streams and oneway calls go to them as well', async () => {
  const { server, channel, close } = await both();
  let blinked = 0;
  channel.add(Screen, {
    show: (request) => request,
    *lines(count) {
      for (let line = 0; line < count; line++) yield `line ${line}`;
    },
    blink: () => void blinked++,
  });
  await channel.ready();
  const peer = await onlyPeer(server);
  const screen = peer.client(Screen);
  assert.is(screen, peer.client(Screen));
  assert.is(peer.instance, channel.peer?.instance);
  assert.equal(await screen.show(note, { deadlineMs: 5_000 }), note);
  const lines: string[] = [];
  for await (const line of screen.lines(3)) lines.push(line);
  assert.equal(lines, ['line 0', 'line 1', 'line 2']);
  await screen.blink(Buffer.from('!'));
  await until(() => blinked === 1, 'the oneway call');
  await close();
});

test('a client that serves nothing, or not that, answers UNIMPLEMENTED; its handlers fail as a server’s do', async () => {
  const seen: string[] = [];
  const { server, channel, close } = await both({}, { channel: { onHandlerError: (_error, name) => seen.push(name) } });
  await channel.ready();
  const screen = (await onlyPeer(server)).client(Screen);
  const missing = await failureOf(screen.show(note));
  assert.is(missing.code, 'UNIMPLEMENTED');
  assert.is(missing.started, 'no');
  await close();
  const second = await both({}, { channel: { onHandlerError: (_error, name) => seen.push(name) } });
  addScreen(second.channel, () => {
    throw new Error('of the client');
  });
  await second.channel.ready();
  const broken = await failureOf((await onlyPeer(second.server)).client(Screen).show(note));
  assert.is(broken.code, 'INTERNAL');
  assert.equal(seen, ['test.Screen/show']);
  await second.close();
});

test('a channel refuses handlers that are missing and methods that it serves already', async () => {
  const channel = connect('tcp://127.0.0.1:1');
  assert.throws(() => channel.add(Screen, {} as never), /there is no handler for show/);
  addScreen(channel);
  assert.throws(() => addScreen(channel), /test\.Screen\/show is served already/);
  await channel.close();
});

test('a deadline and limits hold in this direction too', async () => {
  const { server, channel, close } = await both({}, { server: { limits: { deadlineMsDefault: 40 } } });
  let reason: unknown;
  channel.add(Screen, {
    show: (_request, context) => {
      context.signal.addEventListener('abort', () => (reason = context.signal.reason));
      return new Promise(() => {});
    },
    lines: () => [],
    blink: () => {},
  });
  await channel.ready();
  const late = await failureOf((await onlyPeer(server)).client(Screen).show(note));
  assert.is(late.code, 'DEADLINE_EXCEEDED');
  await until(() => reason !== undefined, 'the abort at the client');
  assert.is((reason as RpcError).code, 'DEADLINE_EXCEEDED');
  await close();
});

test('when the connection is lost, calls to that peer fail and are made nowhere else; peer.closed tells', async () => {
  let proxy: FaultProxy | undefined;
  const { server, channel, close } = await both(
    {},
    { through: async (port) => (proxy = await FaultProxy.start(port)).port },
  );
  const started = gate();
  let shown = 0;
  addScreen(channel, () => {
    shown++;
    started.open();
    return new Promise(() => {});
  });
  await channel.ready();
  const peer = await onlyPeer(server);
  const screen = peer.client(Screen);
  const running = failureOf(screen.show(note));
  await started.opened;
  proxy?.reset();
  await peer.closed;
  assert.is((await running).code, 'UNAVAILABLE');
  assert.is((await running).started, 'maybe');
  const after = await failureOf(screen.show(note));
  assert.is(after.code, 'UNAVAILABLE');
  assert.is(after.started, 'no');
  assert.is(peer.callable, false);
  await peer.closed;
  // The channel serves, so it connects again by itself, as another peer.
  const next = await onlyPeer(server);
  assert.is.not(next, peer);
  assert.is(shown, 1);
  await close();
  proxy?.close();
});

test('a channel that serves nothing stays away after a break; one that serves comes back after a drain too', async () => {
  const quiet = await both();
  await quiet.channel.ready();
  await quiet.server.drain();
  const serving = await both();
  addScreen(serving.channel);
  await serving.channel.ready();
  await serving.server.drain();
  const next = [new Server(), new Server()];
  await next[0]?.listen({ host: '127.0.0.1', port: quiet.port });
  await next[1]?.listen({ host: '127.0.0.1', port: serving.port });
  const peer = await onlyPeer(next[1] as Server);
  assert.equal(await peer.client(Screen).show(note), note);
  assert.is(next[0]?.connectionCount, 0);
  for (const channel of [quiet.channel, serving.channel]) await channel.close();
  for (const server of next) await server.close();
});

test('a server that drains may still call its clients while their calls run', async () => {
  const free = gate();
  const started = gate();
  const { server, channel, close } = await both({
    echo: async (request, context) => {
      started.open();
      await free.opened;
      return context.peer.client(Screen).show(request);
    },
  });
  addScreen(channel, (given) => ({ ...given, text: 'shown' }));
  const call = channel.client(Notes).echo(note);
  await started.opened;
  const draining = server.drain();
  await until(() => channel.peer === null, 'DRAIN');
  free.open();
  assert.is((await call).text, 'shown');
  assert.equal(await draining, { cancelled: [] });
  await close();
});

test('a client that closes refuses new calls of its server as not started, and finishes those that run', async () => {
  const free = gate();
  const started = gate();
  const { server, channel, close } = await both();
  addScreen(channel, async (given) => {
    started.open();
    await free.opened;
    return given;
  });
  await channel.ready();
  const peer = await onlyPeer(server);
  const running = peer.client(Screen).show(note);
  await started.opened;
  let closed = false;
  const closing = channel.close().then((report) => {
    closed = true;
    return report;
  });
  await until(() => !peer.callable, 'the DRAIN of the client');
  assert.equal(server.peers, []);
  const refused = await failureOf(peer.client(Screen).show(note));
  assert.is(refused.code, 'UNAVAILABLE');
  assert.is(refused.started, 'no');
  await sleep(10);
  assert.is(closed, false);
  free.open();
  assert.equal(await running, note);
  assert.equal(await closing, { cancelled: [] });
  await peer.closed;
  await close();
});

test('calls of the server that cross the DRAIN of its client are refused, and fail there', async () => {
  const { server, channel, close } = await both();
  addScreen(channel);
  await channel.ready();
  const screen = (await onlyPeer(server)).client(Screen);
  const outcomes = Promise.allSettled(Array.from({ length: 50 }, () => screen.show(note)));
  const closing = channel.close();
  for (const outcome of await outcomes) {
    if (outcome.status === 'fulfilled') continue;
    const { code, started } = outcome.reason as RpcError;
    assert.equal([code, started], ['UNAVAILABLE', 'no']);
  }
  await closing;
  await close();
});

test('what a client was still answering when the grace of its close was over is reported there', async () => {
  const started = gate();
  const { server, channel, close } = await both();
  addScreen(channel, () => {
    started.open();
    return new Promise(() => {});
  });
  await channel.ready();
  const running = failureOf((await onlyPeer(server)).client(Screen).show(note));
  await started.opened;
  const { cancelled } = await channel.close({ graceMs: 20 });
  assert.equal(
    cancelled.map(({ direction, method, state }) => [direction, method, state]),
    [['in', 'test.Screen/show', 'running']],
  );
  assert.ok((await running) instanceof RpcError);
  assert.is((await running).code, 'CANCELLED');
  await close();
});

test.run();
