/**
 * The path of one call as src/README.md tells it: the files of src that run code between the stub and `socket.write`, as V8's precise
 * coverage sees them. Getters that only read a field do not count.
 */
import { type Profiler, Session } from 'node:inspector';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SocketTransport } from '../../src/transport/socket-transport.js';
import { openEnds } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

/** What src/README.md lists, in the order in which a request comes to them. */
const path = [
  'peer/stubs',
  'channel/channel',
  'channel/endpoint-set',
  'channel/endpoint-pool',
  'connection/caller/caller',
  'connection/caller/call-table',
  'connection/messages/message-sender',
  'connection/messages/write-queue',
  'avro/codec/codec',
  'avro/encoding/write-tap',
  'wire/encoder',
  'transport/socket-transport',
];
const FILES_MAX = 12;

const source = fileURLToPath(new URL('../../src/', import.meta.url));

class Coverage {
  private readonly session = new Session();

  constructor() {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  /** The files of src in which functions were called since the last time, with these functions. */
  take(): Map<string, string[]> {
    const files = new Map<string, string[]>();
    this.session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      assert.is(error, null);
      for (const script of coverage.result) this.add(files, script);
    });
    return files;
  }

  stop(): void {
    this.session.disconnect();
  }

  private add(files: Map<string, string[]>, { url, functions }: Profiler.ScriptCoverage): void {
    if (!url.startsWith('file:')) return;
    const file = relative(source, fileURLToPath(url)).replace(/\.js$/, '');
    if (file.startsWith('..')) return;
    const called = functions
      .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
      .map(({ functionName }) => functionName);
    const counted = called.filter((name) => !name.startsWith('get '));
    if (counted.length > 0) files.set(file, counted);
  }
}

const coverageTest = onlyIn(test, ['node', 'deno'], 'Bun has no precise coverage');

coverageTest('a request passes the files of src/README.md from the stub to the socket, and no others', async () => {
  const ends = await openEnds();
  // Until methods are declared, slots made and codecs compiled.
  for (let round = 0; round < 3; round++)
    await Promise.all([1, 2, 3].map((id) => ends.notes.echo({ id, text: 'one' })));
  const coverage = new Coverage();
  const { write } = SocketTransport.prototype;
  let written = new Map<string, string[]>();
  // Of a tick's calls the first two read the clock, as the first of each batch do.
  const answers = [1, 2].map((id) => ends.notes.echo({ id, text: 'two' }));
  coverage.take();
  answers.push(ends.notes.echo({ id: 3, text: 'three' }));
  const called = coverage.take();
  SocketTransport.prototype.write = function (bytes) {
    SocketTransport.prototype.write = write;
    const done = write.call(this, bytes);
    written = coverage.take();
    return done;
  };
  await Promise.all(answers);
  coverage.stop();
  await ends.close();
  const passed = [...new Set([...called.keys(), ...written.keys()])];
  assert.equal(passed.sort(), [...path].sort(), JSON.stringify([...called, ...written]));
  assert.ok(passed.length <= FILES_MAX);
});

test.run();
