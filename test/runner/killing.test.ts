import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFails, runFixtures, twoPass } from './fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'trunkline-pids-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Blocks for a minute, so that nothing stays for ever should this very test be killed. */
const blocks = 'for (const end = Date.now() + 60_000; Date.now() < end; );';

test('a file that blocks is killed at the time limit', async () => {
  const body = `test('blocks', () => { ${blocks} }); test.run();`;
  const outcome = await runFixtures({ 'a.test.js': body }, ['--limit-seconds', '0.5']);
  assertFails(outcome, '0 passed, 1 failed', 'time limit');
});

test('a file kept alive by an open handle after its tests is killed, and its tests still count', async () => {
  const body = `import { createServer } from 'node:net'; createServer().listen(0); ${twoPass}`;
  const outcome = await runFixtures({ 'a.test.js': body }, ['--exit-ms', '100']);
  assertFails(outcome, '2 passed, 1 failed', 'open handle');
});

test('a process that dies by a signal is a failure', async () => {
  const body = `test('dies', () => { process.kill(process.pid, 'SIGKILL'); ${blocks} }); test.run();`;
  assertFails(await runFixtures({ 'a.test.js': body }), '0 passed, 1 failed', 'died by SIGKILL');
});

/** Starts a child that lives for a minute, and tells its pid. */
const spawnsSleeper = (pidFile: string): string => `
  import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' });
  writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !(process.platform === 'linux' && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  } catch {
    return false;
  }
}

/** A signal takes effect a little after it was sent. */
async function assertDies(pid: number): Promise<void> {
  for (let waitedMs = 0; isAlive(pid); waitedMs += 10) {
    assert.ok(waitedMs < 30_000, `process ${pid} is still there`);
    await sleep(10);
  }
}

test('a child process left behind is killed and a failure', async () => {
  const pidFile = join(folder, 'left-behind.pid');
  const outcome = await runFixtures({ 'a.test.js': `${spawnsSleeper(pidFile)} child.unref(); ${twoPass}` });
  if (process.platform === 'linux') assertFails(outcome, '2 passed, 1 failed', 'left processes behind');
  await assertDies(Number(readFileSync(pidFile, 'utf8')));
});

test('the children of a file that is killed are killed with it', async () => {
  const pidFile = join(folder, 'killed.pid');
  const outcome = await runFixtures({ 'a.test.js': spawnsSleeper(pidFile) + twoPass }, ['--exit-ms', '100']);
  assertFails(outcome, '2 passed, 1 failed', 'open handle');
  await assertDies(Number(readFileSync(pidFile, 'utf8')));
});

test('a test command that is terminated takes its test processes with it', async () => {
  const pidFile = join(folder, 'terminated.pid');
  const body = `import { writeFileSync } from 'node:fs';
    test('blocks', () => { writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); ${blocks} }); test.run();`;
  const outcome = await runFixtures({ 'a.test.js': body }, [], async (command) => {
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(10);
    command.kill('SIGTERM');
  });
  assert.is(outcome.code, 143);
  await assertDies(Number(readFileSync(pidFile, 'utf8')));
});

test.run();
