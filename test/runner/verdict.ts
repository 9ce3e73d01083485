/**
 * What the run of one test file amounts to. Pure: from what the process did to counts and reasons.
 *
 * uvu's exit code alone is no verdict: it is 0 when `run()` was forgotten and when a `before` hook threw. So the counts
 * come from the report that uvu prints at the end, and whatever contradicts them is a failure of the file. A file that
 * broke without a failed test counts as one failure.
 */
import { stripVTControlCharacters } from 'node:util';

export interface FileRun {
  /** How the process came to its end: on its own, or killed by the runner for one of two reasons. */
  readonly end: 'itself' | 'timeLimit' | 'openHandles';
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Processes of the file's process group that outlived it, such as `4711 (node)`; killed by now. */
  readonly leftBehind: readonly string[];
}

export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the file failed, beyond the failed tests that its output shows. */
  readonly reasons: readonly string[];
}

const report = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /gm;

/** Whether uvu has printed its closing report, so that nothing but the end of the process is left to come. */
export function hasReported(stdout: string): boolean {
  return stripVTControlCharacters(stdout).search(report) >= 0;
}

export function judge(run: FileRun): Verdict {
  const reports = [...stripVTControlCharacters(run.stdout).matchAll(report)];
  const [total, passed, skipped] = (reports.at(-1)?.slice(1).map(Number) ?? [0, 0, 0]) as [number, number, number];
  const reasons: string[] = [];

  if (run.end === 'timeLimit') reasons.push('killed: it ran into the time limit');
  if (run.end === 'openHandles') {
    reasons.push('killed: its tests are done, but an open handle (socket, server, timer, child) keeps it alive');
  }
  if (run.end === 'itself') {
    if (run.signal !== null) reasons.push(`died by ${run.signal}`);
    else if (reports.length === 0 && run.code === 0) reasons.push('ran no test: is the call of run() missing?');
    else if (reports.length === 0) reasons.push(`exited with code ${run.code} before its tests were done`);
    else if (passed < total && run.code === 0) {
      reasons.push(`${total - passed} of ${total} tests did not run: a hook threw (uvu does not say what)`);
    } else if (passed === total && run.code !== 0) {
      reasons.push(`exited with code ${run.code} although its tests passed`);
    }
  }
  // A file may skip all its tests only if it says why of each, as `skipped: name: reason`.
  const explained = run.stdout.match(/^skipped: .+: .+$/gm)?.length ?? 0;
  if (reports.length === 1 && total === 0 && (skipped === 0 || explained < skipped)) reasons.push('ran no test');
  if (reports.length > 1) {
    reasons.push(`reported ${reports.length} times: call run() of all suites without an await between them`);
  }
  if (run.leftBehind.length > 0) reasons.push(`left processes behind: ${run.leftBehind.join(', ')}`);

  const failed = total - passed;
  return { passed, failed: failed === 0 && reasons.length > 0 ? 1 : failed, skipped, reasons };
}
