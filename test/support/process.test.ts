import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ProcessOptions, TestProcess, withProcess } from './process.js';

const echo = new URL('./echo-process.js', import.meta.url);

/** Signal 0 asks whether the process is there. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function failure(options: ProcessOptions): Promise<string> {
  return TestProcess.start(echo, options).then(
    () => 'it started',
    (error: Error) => error.message,
  );
}

test('a process says that it is ready, answers, and is gone afterwards', async () => {
  const options = { args: ['hello'], nodeArgs: ['--max-old-space-size=77'], env: { ECHO_EXTRA: 'set' } };
  const pid = await withProcess(echo, options, async (child) => {
    assert.equal(child.ready, { args: ['hello'], nodeArgs: ['--max-old-space-size=77'], extra: 'set' });
    child.tell({ say: 'words' });
    child.tell({ say: 'more' });
    assert.equal(await child.hear(), { say: 'words' });
    assert.equal(await child.hear(), { say: 'more' });
    assert.ok(alive(child.pid));
    return child.pid;
  });
  assert.not(alive(pid));
});

test('it is gone when the test fails, even if it was stopped', async () => {
  let pid = 0;
  const failed = withProcess(echo, {}, async (child) => {
    pid = child.pid;
    child.signal('SIGSTOP');
    throw new Error('the test failed');
  });
  assert.is(await failed.catch((error: Error) => error.message), 'the test failed');
  assert.not(alive(pid));
});

test('it can be ended by a signal, and its output is kept', async () => {
  const child = await TestProcess.start(echo, { args: ['--goodbye'] });
  child.signal('SIGTERM');
  assert.equal(await child.exited(), { code: 7, signal: null });
  assert.match(child.output, 'goodbye\n');
  assert.equal(await child.kill(), { code: 7, signal: null }, 'killing the dead is harmless');
});

test('a process that ends or hangs before it is ready is an error with its output', async () => {
  const ended = await failure({ args: ['--crash'] });
  assert.match(ended, 'ended (1) before it was ready');
  assert.match(ended, 'crashed on purpose');
  assert.match(await failure({ args: ['--hang'], waitMs: 300 }), 'expected the ready message within 300 ms');
});

test('its memory can be weighed', async () => {
  await withProcess(echo, {}, async (child) => {
    const before = child.rssBytes;
    assert.ok(before > 10e6 && before < 1e9, `${before} bytes`);
    child.tell({ hold: 100_000_000 });
    await child.hear();
    const [first, second, ...rest] = await child.sampleRss(2, 5);
    assert.equal(rest, []);
    assert.ok((first ?? 0) - before > 80e6 && (second ?? 0) - before > 80e6, `${before} -> ${first}, ${second}`);
  });
});

test.run();
