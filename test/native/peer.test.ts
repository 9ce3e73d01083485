/**
 * The C peer, which was written from `spec/` alone: the vectors, its server and client against the engine's, damaged bytes, and the
 * sessions, with it as the script and on both sides. Where there is no C compiler all of it is skipped by name.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalRecord, canonicalSchema, isRight } from '../../bench/canonical.js';
import { gzip } from '../../src/compression/gzip.js';
import { loadLz4 } from '../../src/compression/lz4.js';
import {
  blob,
  clientStream,
  connect,
  defineService,
  duplex,
  raw,
  Server,
  serverStream,
  unary,
} from '../../src/index.js';
import { FrameType } from '../../src/wire/constants.js';
import { FRAME, FrameDecoder } from '../../src/wire/decoder.js';
import { projectRoot } from '../support/root.js';
import { type Random, withSeed } from '../support/seed.js';
import { frameBytes } from '../support/vectors/bytes.js';
import type { SessionFile } from '../support/vectors/view.js';
import { sessionPath, speakAmongPeers, speakWithPeer } from './dialogue.js';
import { answerDialler, streamsOf, throwAtDialler, throwAtServer } from './hostile.js';
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

const Streams = defineService('test.Echo', {
  echo: unary({ request: raw, response: raw }),
  pour: serverStream({ request: raw, response: raw }),
  concat: clientStream({ request: raw, response: raw }),
  chat: duplex({ request: raw, response: raw }),
  mirror: blob({ request: raw, response: raw }),
});
/** Sessions spoken at once: most of their time is waiting. */
const SESSIONS_AT_ONCE = 6;
const HOSTILE_STREAMS = 200;
const HOSTILE_AT_ONCE = 20;
const HOSTILE_ANSWERS = 120;

const folder = new URL('spec/vectors/sessions/', projectRoot);
const sessions = readdirSync(folder).map(
  (file) =>
    [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as SessionFile] as const,
);

const files = sessions.map(([, file]) => file);

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
  const cases = ['frames', 'messages'].flatMap((of) =>
    readdirSync(new URL(`spec/vectors/${of}/`, projectRoot)).map((file) => {
      const text = readFileSync(new URL(`spec/vectors/${of}/${file}`, projectRoot), 'utf8');
      return (JSON.parse(text) as { readonly cases: readonly unknown[] }).cases.length;
    }),
  );
  const count = cases.reduce((sum, of) => sum + of, 0);
  assert.match(output, new RegExp(`^${count} cases, [1-9]\\d* of gzip skipped, [1-9]\\d* fingerprints, 0 failed\n$`));
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

testWith(missing, 'streams of a client of the engine, longer than their windows, and compressed', async () => {
  const { run, port } = await servePeer(path);
  const channel = connect(`tcp://127.0.0.1:${port}`, { compression: 'lz4' });
  try {
    const client = channel.client(Streams);
    const items = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1 + ((index * 977) % 20_000), index));
    assert.equal(await client.concat(items), Buffer.concat(items));
    const back: Buffer[] = [];
    for await (const item of client.chat(items)) back.push(item);
    assert.equal(back, items);
    const order = Buffer.alloc(8);
    order.writeUInt32LE(40, 0);
    order.writeUInt32LE(300_000, 4);
    let poured = 0;
    for await (const item of client.pour(order)) {
      assert.equal(item, Buffer.alloc(300_000, 'a'));
      poured++;
    }
    assert.is(poured, 40);
    const bytes = Buffer.alloc(3_000_000, 'blob of bytes');
    const { head, body } = await client.mirror({ head: Buffer.from('head'), body: bytes });
    assert.is(String(head), 'head');
    assert.equal(await body.buffer(), bytes);
    assert.equal(await client.echo(bytes), bytes);
    for await (const _item of client.pour(order)) break;
    assert.is(String(await client.echo(Buffer.from('x'))), 'x');
  } finally {
    await channel.close();
    assert.is(await run.stop(), 0, run.output);
  }
});

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

testWith(
  missing,
  'damaged bytes end their connection at most: the server goes on, and the sanitizers say nothing',
  async () => {
    const { run, port } = await servePeer(path);
    await withSeed(async (random: Random) => {
      const streams = streamsOf('dialler', files);
      for (let sent = 0; sent < HOSTILE_STREAMS; sent += HOSTILE_AT_ONCE) {
        await Promise.all(Array.from({ length: HOSTILE_AT_ONCE }, () => throwAtServer(port, streams, random)));
      }
      const { code, output } = await peer('call', '127.0.0.1', String(port), 'test.Echo/echo', 'still here');
      assert.equal([code, output], [0, 'still here\n']);
      assert.is(await run.stop(), 0, run.output);
    });
  },
);

testWith(missing, 'damaged answers do the client no harm: the sanitizers say nothing', async () => {
  await withSeed(async (random: Random) => {
    const streams = streamsOf('acceptor', files);
    const calling = sessions.flatMap((session, index) => {
      const calls = session[1].steps.some(({ from, do: actions = [] }) => from === 'dialler' && actions.length > 0);
      return calls ? [[session, streams[index] ?? []] as const] : [];
    });
    for (let sent = 0; sent < HOSTILE_ANSWERS; sent += SESSIONS_AT_ONCE) {
      const outputs = await Promise.all(
        Array.from({ length: SESSIONS_AT_ONCE }, () => {
          const [session, stream] = random.pick(calling);
          return throwAtDialler(path, session, stream, streams, random);
        }),
      );
      for (const output of outputs) assert.not.match(output, /Sanitizer|runtime error/);
    }
  });
});

testWith(
  missing,
  'a server that breaks a rule inside an item ends the calls of the client, and not the client',
  async () => {
    const session = sessions.find(([name]) => name === 'stream-server');
    assert.ok(session !== undefined);
    const greeting = streamsOf('acceptor', [session[1]])[0]?.slice(0, 2) ?? [];
    const call = { opener: 'dialler', generation: 1, slot: 0 } as const;
    const first = frameBytes({ type: 'ITEM', flags: ['MORE'], call, body: '61' });
    const second = frameBytes({ type: 'ITEM', flags: ['MORE', 'COMPRESSED'], call, body: '61' });
    let answered = false;
    const output = await answerDialler(path, session, (socket) => {
      socket.write(Buffer.concat(greeting));
      const decoder = new FrameDecoder({ frameBytesMax: 65_536, preface: true });
      // The call is live once its REQUEST was read.
      socket.on('data', (chunk: Buffer) => {
        decoder.push(chunk);
        while (decoder.next() === FRAME)
          if (decoder.type === FrameType.REQUEST) answered = socket.write(Buffer.concat([first, second]));
      });
    });
    assert.ok(answered, output);
    assert.not.match(output, /Sanitizer|runtime error/);
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

testWith(missing, 'what has come of a call is compared: other results are not passed', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'trunkline-sessions-'));
  const lie = async (name: string, change: (text: string) => string): Promise<void> => {
    const text = readFileSync(new URL(`${name}.json`, folder), 'utf8');
    const file = join(scratch, `${name}.json`);
    writeFileSync(file, change(text));
    assert.is.not(readFileSync(file, 'utf8'), text);
    let problem = '';
    await speakAmongPeers(path, file, 'dialler').catch((error: Error) => (problem = error.message));
    assert.match(problem, /problem: (another|other|the call has ended otherwise)/);
  };
  try {
    await lie('schema-response-evolved', (text) => text.replace('"twin": null }', '"twin": 7 }'));
    await lie('stream-server', (text) => text.replace(/("items": \[\s*)"00"/, '$1"09"'));
    await lie('failure', (text) => text.replace(/("code": )"NOT_FOUND"/, '$1"ABORTED"'));
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

testWith(missing, 'a vector that says something else is not passed', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'trunkline-vectors-'));
  try {
    mkdirSync(join(scratch, 'sessions'));
    mkdirSync(join(scratch, 'messages'));
    mkdirSync(join(scratch, 'frames'));
    const ping = readFileSync(new URL('spec/vectors/frames/ping.json', projectRoot), 'utf8');
    const lies = [ping.replaceAll('"FLAGS"', '"PROTOCOL"'), ping.replace(/"opaque": "../, '"opaque": "00')];
    for (const lie of lies) {
      assert.is.not(lie, ping);
      writeFileSync(join(scratch, 'frames/ping.json'), lie);
      const { code, output } = await peer('vectors', scratch);
      assert.is(code, 1);
      assert.match(output, /^7 cases, 0 of gzip skipped, 0 fingerprints, 1 failed$/m);
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
  const { tests, description } = session;
  for (const side of tests) {
    testSession(missing, `session ${name}, the engine as the ${side}: ${description}`, () =>
      speakWithPeer(path, name, { session, side, compressors }),
    );
  }
  for (const side of tests) {
    testSession(missing, `session ${name}, the C peer as the ${side}: ${description}`, () =>
      speakAmongPeers(path, sessionPath(name), side),
    );
  }
}

test.run();
