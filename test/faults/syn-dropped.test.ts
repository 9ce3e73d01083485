/**
 * F2: SYN that nobody answers. With `unshare` and `nft`, as root, in a network namespace that belongs to one process of the test and
 * ends with it; elsewhere that test is skipped and says why. On the simulated network it always runs.
 */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, Server } from '../../src/index.js';
import { SimulatedNetwork } from '../../src/testing/index.js';
import { failureOf, handlers, Notes } from '../support/rpc.js';

const CONNECT_MS_MAX = 400;
const DROPPED_PORT = 4444;

/** What the process prints. */
interface Report {
  readonly code: string;
  readonly started: string;
  readonly message: string;
  readonly ms: number;
  readonly answered: number;
  readonly state: string;
}

/** Nothing of it reaches beyond the namespace. */
const commands = [
  'ip link set lo up',
  'nft add table inet t',
  'nft add chain inet t in "{ type filter hook input priority 0; }"',
  `nft add rule inet t in tcp dport ${DROPPED_PORT} tcp flags syn drop`,
].join(' && ');

/** Why this machine cannot drop a SYN; null: it can. */
function obstacle(): string | null {
  try {
    execFileSync('unshare', ['--net', 'sh', '-c', commands], { stdio: 'pipe' });
    return null;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    return code === 'ENOENT' ? 'there is no unshare' : String(stderr).trim().split('\n')[0] || 'unshare failed';
  }
}

/** Defines a test that drops packets; where that cannot be it is skipped by name. */
function testInNamespace(name: string, body: () => Promise<void>): void {
  const reason = obstacle();
  const define = test;
  if (reason === null) {
    define(name, body);
    return;
  }
  console.log(`skipped: ${name}: ${reason}`);
  define.skip(name);
}

testInNamespace(
  'F2 a dropped SYN fails its call after connectMsMax, which the error names, and no call while another endpoint is up',
  async () => {
    const script = fileURLToPath(new URL('./syn-dropped-process.js', import.meta.url));
    const run = `${commands} && exec "$@"`;
    const node = [process.execPath, script, String(DROPPED_PORT), String(CONNECT_MS_MAX)];
    const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', run, 'sh', ...node], {
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    const { code, started, message, ms, answered, state } = JSON.parse(stdout) as Report;
    assert.is(code, 'UNAVAILABLE');
    assert.is(started, 'no');
    assert.match(
      message,
      new RegExp(`the limit connectMsMax is ${CONNECT_MS_MAX} \\(setting: limits\\.connectMsMax\\)`),
    );
    assert.ok(ms >= CONNECT_MS_MAX - 1, `after ${ms} ms`);
    assert.ok(answered > 0);
    assert.is.not(state, 'ready');
  },
);

test('F2 where nothing answers, a call fails after connectMsMax, and another endpoint that is up gets it immediately', async () => {
  const network = new SimulatedNetwork({ seed: 2 });
  const server = new Server(network.options('up')).add(Notes, handlers());
  network.listen('up', server);
  network.listen('dark', server);
  network.partition('shop', 'dark');
  const note = { id: 1, text: 'one' };
  const lonely = connect('tcp://dark:1', network.options('shop'));
  const failure = await network.run(failureOf(lonely.client(Notes).echo(note)));
  assert.is(failure.code, 'UNAVAILABLE');
  assert.is(failure.started, 'no');
  assert.is(network.clock.now(), 5_000);
  await network.run(lonely.close());
  const channel = connect(['tcp://dark:1', 'tcp://up:1'], network.options('shop'));
  const notes = channel.client(Notes);
  await network.run(notes.echo(note));
  assert.ok(network.clock.now() < 5_100, `${network.clock.now()} ms`);
  for (let id = 0; id < 100; id++) {
    await network.run(notes.echo(note));
    await network.advance(100);
  }
  await network.run(Promise.all([channel.close(), server.close()]));
});

test.run();
