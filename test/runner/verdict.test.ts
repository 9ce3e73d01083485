import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FileRun, hasReported, judge } from './verdict.js';

function report(total: number, passed: number, skipped = 0): string {
  return `• •   (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n\n`;
}

function fileRun(parts: Partial<FileRun>): FileRun {
  return { end: 'itself', code: 0, signal: null, stdout: report(2, 2), leftBehind: [], ...parts };
}

test('a run whose tests all passed has no reasons', () => {
  assert.equal(judge(fileRun({})), { passed: 2, failed: 0, skipped: 0, reasons: [] });
});

test('failed tests are counted and need no further reason', () => {
  assert.equal(judge(fileRun({ code: 1, stdout: report(5, 3, 1) })), { passed: 3, failed: 2, skipped: 1, reasons: [] });
});

test('a report in colours is read', () => {
  const colours =
    '\n  Total:     3\u001B[32m\n  Passed:    3\u001B[39m\n  Skipped:   \u001B[33m1\u001B[39m\n  Duration:  1ms\n';
  assert.equal(judge(fileRun({ stdout: colours })), { passed: 3, failed: 0, skipped: 1, reasons: [] });
});

test('an exit with 0 and without a report is a failure', () => {
  const verdict = judge(fileRun({ stdout: 'Total: 3 things\n' }));
  assert.is(verdict.failed, 1);
  assert.match(verdict.reasons[0] ?? '', 'ran no test');
});

test('a report of no test is a failure, also when tests were skipped, unless each says why', () => {
  assert.is(judge(fileRun({ stdout: report(0, 0) })).failed, 1);
  assert.is(judge(fileRun({ stdout: report(0, 0, 2) })).failed, 1);
  const why = 'skipped: deep: there is no sea\n';
  assert.is(judge(fileRun({ stdout: `${why}${report(0, 0, 2)}` })).failed, 1);
  assert.equal(judge(fileRun({ stdout: `${why}${why}${report(0, 0, 2)}` })), {
    passed: 0,
    failed: 0,
    skipped: 2,
    reasons: [],
  });
});

test('fewer tests than announced and exit code 0 is a hook that threw', () => {
  const verdict = judge(fileRun({ stdout: report(4, 1) }));
  assert.is(verdict.failed, 3);
  assert.match(verdict.reasons[0] ?? '', 'a hook threw');
});

test('an exit code other than 0 after passed tests is a failure', () => {
  const verdict = judge(fileRun({ code: 7 }));
  assert.is(verdict.passed, 2);
  assert.is(verdict.failed, 1);
  assert.match(verdict.reasons[0] ?? '', 'exited with code 7 although its tests passed');
});

test('two reports are a failure, since uvu counts late suites wrongly', () => {
  const verdict = judge(fileRun({ stdout: report(2, 2) + report(2, 2) }));
  assert.is(verdict.failed, 1);
  assert.match(verdict.reasons[0] ?? '', 'reported 2 times');
});

test('each way to be killed is a failure with its reason, whatever was reported', () => {
  for (const [parts, reason] of [
    [{ end: 'timeLimit' }, 'time limit'],
    [{ end: 'openHandles' }, 'open handle'],
    [{ code: null, signal: 'SIGSEGV' }, 'died by SIGSEGV'],
    [{ leftBehind: ['4711 (node)'] }, 'left processes behind: 4711 (node)'],
  ] as const) {
    const verdict = judge(fileRun(parts));
    assert.is(verdict.failed, 1, reason);
    assert.match(verdict.reasons.join('\n'), reason);
  }
});

test('the report is seen only once it is complete', () => {
  const whole = report(1, 1);
  assert.is(hasReported(whole.slice(0, whole.indexOf('Duration'))), false);
  assert.is(hasReported(whole), true);
});

test.run();
