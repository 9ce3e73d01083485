/**
 * The C peer, which was written from `spec/` alone: the vectors, its server and client against the engine's, damaged bytes, and the
 * sessions with it as the script and as the acceptor. Where there is no C compiler all of it is skipped by name.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalRecord, canonicalSchema, isRight } from '../../bench/canonical.js';
import { gzip } from '../../src/compression/gzip.js';
import { loadLz4 } from '../../src/compression/lz4.js';
import { connect, defineService, raw, Server, unary } from '../../src/index.js';
import { PREFACE } from '../../src/wire/constants.js';
import { mutateFrames } from '../hostile/mutator.js';
import { projectRoot } from '../support/root.js';
import { type Random, withSeed } from '../support/seed.js';
import { notSpokenYet } from '../support/session-end.js';
import { frameBytes } from '../support/vectors/bytes.js';
import type { SessionFile } from '../support/vectors/view.js';
import { speakAmongPeers, speakWithPeer } from './dialogue.js';
import { buildPeer, defining, PeerRun, servePeer } from './peer-program.js';

const Echo = defineService('bench.Echo', { echo: unary({ request: canonicalSchema, response: canonicalSchema }) });
const OtherEcho = defineService('bench.Echo', { echo: unary({ request: 'long', response: 'long' }) });
const Raw = defineService('test.Echo', {
  echo: unary({ request: raw, response: raw }),
  late: unary({ request: raw, response: raw }),
  fail: unary({ request: raw, response: raw }),
  hang: unary({ request: raw, response: raw }),
  grow: unary({ request: raw, response: raw }),
});

/** What the peer does not have, so that it cannot play the acceptor of sessions that need it. */
const notInC: ReadonlySet<string> = new Set(['streams', 'avro', 'lz4', 'gzip', 'drain', 'reverse']);
/** Sessions spoken at once: most of their time is waiting. */
const SESSIONS_AT_ONCE = 6;
const HOSTILE_STREAMS = 200;
const HOSTILE_AT_ONCE = 20;
const LINGER_MS = 500;

const folder = new URL('spec/vectors/sessions/', projectRoot);
const sessions = readdirSync(folder).map(
  (file) =>
    [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as SessionFile] as const,
);

const testWith = defining(test);
const built = buildPeer();
const path = built.path ?? '';
const missing = built.path === null ? built.reason : null;
if (missing === null && !built.sanitized) console.log('the peer is built without sanitizers: the compiler has none');

/** Runs jobs so many at once, in the order in which they were given. */
class Pool {
  private readonly waiting: (() => void)[] = [];
  private free = SESSIONS_AT_ONCE;

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.free--;
    try {
      return await job();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}

async function peer(...args: string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const run = new PeerRun(path, args);
  return { code: await run.ended, output: run.output };
}

async function withEngine(use: (port: string) => Promise<void>): Promise<void> {
  const server = new Server();
  server.add(Echo, { echo: (request) => request });
  server.add(Raw, {
    echo: (request) => request,
    late: (request) => request,
    fail: (request) => request,
    hang: async () => new Promise<never>(() => {}),
    grow: (request) => Buffer.alloc(request.readUInt32LE(), 'a'),
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  try {
    await use(String(port));
  } finally {
    await server.close();
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error: { readonly code: string; readonly started: string }) => `${error.code} ${error.started}`,
  );
}

testWith(missing, 'the vectors: decoded at every cut, compared, encoded again', async () => {
  const { code, output } = await peer('vectors', fileURLToPath(new URL('spec/vectors', projectRoot)));
  assert.is(code, 0, output);
  const cases = readdirSync(new URL('spec/vectors/frames/', projectRoot)).map((file) => {
    const text = readFileSync(new URL(`spec/vectors/frames/${file}`, projectRoot), 'utf8');
    return (JSON.parse(text) as { readonly cases: readonly unknown[] }).cases.length;
  });
  const count = cases.reduce((sum, of) => sum + of, 0);
  assert.match(output, new RegExp(`^${count} cases, [1-9]\\d* fingerprints, 0 failed\n$`));
});

testWith(
  missing,
  'a client of the engine calls the peer: values, failures, long answers, deadlines, schemas',
  async () => {
    const { run, port } = await servePeer(path);
    const channel = connect(`tcp://127.0.0.1:${port}`);
    const others = connect(`tcp://127.0.0.1:${port}`);
    try {
      const { echo } = channel.client(Echo);
      const answers = await Promise.all(Array.from({ length: 200 }, (_, id) => echo(canonicalRecord(id))));
      assert.ok(answers.every((answer, id) => isRight(answer, id)));
      const client = channel.client(Raw);
      assert.is(String(await client.late(Buffer.from('hello'))), 'hello');
      assert.is(await codeOf(client.fail(Buffer.from('x'))), 'NOT_FOUND yes');
      // Whether the peer's FAILURE or the caller's own clock comes first is open, and so is `started`.
      assert.match(await codeOf(client.hang(Buffer.from('x'), { deadlineMs: 60 })), /^DEADLINE_EXCEEDED /);
      const size = Buffer.alloc(4);
      size.writeUInt32LE(3_000_000);
      assert.equal(await client.grow(size), Buffer.alloc(3_000_000, 'a'));
      const long = Buffer.alloc(1_000_000, 'b');
      assert.equal(await client.echo(long), long);
      assert.is(await codeOf(others.client(OtherEcho).echo(1)), 'FAILED_PRECONDITION no');
    } finally {
      await Promise.all([channel.close(), others.close()]);
      assert.is(await run.stop(), 0, run.output);
    }
  },
);

testWith(missing, 'the peer calls a server of the engine', async () => {
  await withEngine(async (port) => {
    assert.equal(await peer('call', '127.0.0.1', port, 'test.Echo/echo', 'hello'), { code: 0, output: 'hello\n' });
    const { code, output } = await peer('call', '127.0.0.1', port, 'test.Echo/nothing', 'hello');
    assert.is(code, 1);
    assert.match(output, /^UNIMPLEMENTED, started NO: /);
  });
});

testWith(missing, 'the load generator checks every answer, on one connection and on three', async () => {
  await withEngine(async (port) => {
    for (const connections of ['1', '3']) {
      const { code, output } = await peer('load', '127.0.0.1', port, '16', '0.3', connections);
      assert.is(code, 0, output);
      assert.match(output, /^calls [1-9]\d*, failed 0, wrong 0\n/);
    }
  });
});

/** What a dialler says in each session, as frames behind the preface. */
function diallerStreams(): Buffer[][] {
  return sessions.map(([, { steps }]) => {
    const views = steps.filter(({ from }) => from === 'dialler').flatMap(({ frames = [] }) => frames);
    return [Buffer.from(PREFACE), ...views.map((view) => frameBytes(view))];
  });
}

async function throwAt(port: number, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = dial({ host: '127.0.0.1', port }, () => socket.end(bytes));
    socket.on('error', () => {}).on('data', () => {});
    // A handler that never answers keeps its connection.
    const timeout = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timeout);
      resolve();
    });
  });
}

testWith(
  missing,
  'damaged bytes end their connection at most: the peer goes on, and the sanitizers say nothing',
  async () => {
    const { run, port } = await servePeer(path);
    await withSeed(async (random: Random) => {
      const streams = diallerStreams();
      for (let sent = 0; sent < HOSTILE_STREAMS; sent += HOSTILE_AT_ONCE) {
        await Promise.all(
          Array.from({ length: HOSTILE_AT_ONCE }, async () => {
            const frames = [...random.pick(streams)];
            mutateFrames(frames, random.pick(streams), random);
            await throwAt(port, Buffer.concat(frames));
          }),
        );
      }
      const { code, output } = await peer('call', '127.0.0.1', String(port), 'test.Echo/echo', 'still here');
      assert.equal([code, output], [0, 'still here\n']);
      assert.is(await run.stop(), 0, run.output);
    });
  },
);

testWith(missing, 'a script that an implementation does not follow is not passed', async () => {
  // Served with the defaults, so that the slot that the session wants refused is not.
  const { run, port } = await servePeer(path);
  const file = fileURLToPath(new URL('slot-beyond-limit.json', folder));
  const { code, output } = await peer('session', file, 'acceptor', String(port));
  assert.is(code, 1);
  assert.match(output, /\nfailed\n$/);
  assert.is(await run.stop(), 0, run.output);
});

testWith(missing, 'a vector that says something else is not passed', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'trunkline-vectors-'));
  try {
    mkdirSync(join(scratch, 'sessions'));
    mkdirSync(join(scratch, 'frames'));
    const ping = readFileSync(new URL('spec/vectors/frames/ping.json', projectRoot), 'utf8');
    const lies = [ping.replaceAll('"FLAGS"', '"PROTOCOL"'), ping.replace(/"opaque": "../, '"opaque": "00')];
    for (const lie of lies) {
      assert.is.not(lie, ping);
      writeFileSync(join(scratch, 'frames/ping.json'), lie);
      const { code, output } = await peer('vectors', scratch);
      assert.is(code, 1);
      assert.match(output, /^7 cases, 0 fingerprints, 1 failed$/m);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

const pool = new Pool();

/** Begins at once, together with others; the test only waits for it. */
function testSession(reason: string | null, name: string, speak: () => Promise<void>): void {
  const outcome = reason === null ? pool.run(speak) : Promise.resolve();
  // Whoever awaits it hears of it.
  outcome.catch(() => {});
  testWith(reason, name, () => outcome);
}

const compressors = [await loadLz4(), gzip];
for (const [name, session] of sessions) {
  const { needs = [], tests, steps, description } = session;
  const unspoken = needs.filter((need) => notSpokenYet.has(need));
  const why = unspoken.length === 0 ? missing : `the engine does not have ${unspoken.join()} yet`;
  for (const side of tests) {
    testSession(why, `session ${name}, the engine as the ${side}: ${description}`, () =>
      speakWithPeer(path, name, { session, side, compressors }),
    );
  }
  if (!tests.includes('acceptor')) continue;
  const lacks = needs.filter((need) => notInC.has(need));
  const calls = steps.some(({ from, do: actions = [] }) => from === 'acceptor' && actions.length > 0);
  const reason = lacks.length > 0 ? `it does not have ${lacks.join()}` : calls ? 'its server does not call' : missing;
  testSession(reason, `session ${name}, the C peer as the acceptor: ${description}`, () => speakAmongPeers(path, name));
}

test.run();
