/** Servers and clients that run out of something: file descriptors, places for calls, memory. In processes of their own. */
import { execFileSync } from 'node:child_process';
import * as net from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, RpcError } from '../../src/index.js';
import { until } from '../rpc/until.js';
import { type TestProcess, withProcess } from '../support/process.js';
import { Notes } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

const inNode = onlyIn(test, ['node'], 'Bun and Deno keep descriptors of their own and do not say EMFILE');

const script = new URL('./overload-process.js', import.meta.url);
const note = { id: 1, text: '' };

const portOf = ({ ready }: TestProcess): number => (ready as { readonly port: number }).port;

/** Leaves the process this many file descriptors; -1: as many as it had. */
async function leaveDescriptors(child: TestProcess, count: number): Promise<void> {
  execFileSync('prlimit', ['--pid', String(child.pid), '--nofile=100:']);
  child.tell({ leave: count });
  assert.is(await child.hear(), 'left');
}

inNode(
  'F22 a server without a file descriptor for another connection continues, and accepts again when there is one',
  async () => {
    await withProcess(script, { args: ['serve', '100', '100'] }, async (child) => {
      const port = portOf(child);
      const channel = connect(`tcp://127.0.0.1:${port}`, { retry: false });
      const { echo } = channel.client(Notes);
      assert.is((await echo(note)).id, 1);
      await leaveDescriptors(child, 3);
      const sockets = Array.from({ length: 30 }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
      let gone = 0;
      for (const socket of sockets) socket.resume().once('close', () => gone++);
      await until(() => gone > 0, 'a connection that cannot be kept');
      assert.is((await echo(note)).id, 1, 'who is connected is answered');
      for (const socket of sockets) socket.destroy();
      await until(() => gone === sockets.length, 'the end of all connections');
      // Those that it could accept have to be seen to end before there is room.
      let answered = false;
      const again = async (): Promise<void> => {
        const other = connect(`tcp://127.0.0.1:${port}`, { retry: false });
        answered = await other
          .client(Notes)
          .echo(note)
          .then(
            () => true,
            () => false,
          );
        await other.close();
      };
      for (let attempt = 0; attempt < 100 && !answered; attempt++) await again();
      assert.ok(answered, 'a new connection');
      await channel.close();
    });
  },
);

inNode(
  'F22 a client without a file descriptor fails with RESOURCE_EXHAUSTED, started=no, which names the limit, and connects when it has one',
  async () => {
    await withProcess(script, { args: ['serve', '10', '10'] }, (serving) =>
      withProcess(script, { args: ['dial', String(portOf(serving))] }, async (child) => {
        child.tell({});
        assert.equal(await child.hear(), { id: 7 });
        await leaveDescriptors(child, 0);
        child.tell({});
        const failure = (await child.hear()) as { code: string; started: string; message: string; rpc: boolean };
        assert.is(failure.code, 'RESOURCE_EXHAUSTED');
        assert.is(failure.started, 'no');
        assert.ok(failure.rpc);
        assert.match(failure.message, /EMFILE/);
        assert.match(failure.message, /ulimit -n/);
        await leaveDescriptors(child, 10);
        child.tell({});
        assert.equal(await child.hear(), { id: 7 });
      }),
    );
  },
);

test('F25 a server with 128 MB and ten times its capacity of calls answers its capacity and refuses the rest, started=no', async () => {
  const places = 20;
  const queue = 500;
  const args = ['serve', String(places), String(queue)];
  await withProcess(script, { args, nodeArgs: ['--max-old-space-size=128'] }, async (child) => {
    const channels = Array.from({ length: 20 }, () => connect(`tcp://127.0.0.1:${portOf(child)}`, { retry: false }));
    await Promise.all(channels.map((channel) => channel.ready()));
    const text = 'x'.repeat(4_000);
    const waves = 4;
    const each = (10 * (places + queue)) / channels.length;
    let refused = 0;
    for (let wave = 0; wave < waves; wave++) {
      let answered = 0;
      const calls = channels.map(async (channel) => {
        const { echo } = channel.client(Notes);
        const made = Array.from({ length: each }, (_, id) => echo({ id, text }));
        for (const [id, result] of (await Promise.allSettled(made)).entries()) {
          if (result.status === 'fulfilled') {
            assert.is(result.value.id, id);
            answered++;
            continue;
          }
          const error: unknown = result.reason;
          assert.ok(error instanceof RpcError);
          assert.is(error.code, 'RESOURCE_EXHAUSTED', error.message);
          assert.is(error.started, 'no');
          assert.ok(error.elsewhere);
          refused++;
        }
      });
      await Promise.all(calls);
      assert.ok(answered >= 0.8 * (places + queue), `${answered} of ${places + queue} were answered`);
    }
    child.tell({});
    const load = (await child.hear()) as Readonly<Record<string, number>>;
    assert.is(load['most'], places);
    assert.is(load['refused'], refused);
    assert.is(load['executing'], 0);
    assert.is(load['waiting'], 0);
    assert.ok(refused > 0);
    // 20 connections of 4 KB x 260 calls a wave would be 20 MB; the rest is Node.
    assert.ok(child.rssBytes < 200e6, `${child.rssBytes} bytes`);
    await Promise.all(channels.map((channel) => channel.close()));
  });
});

test.run();
