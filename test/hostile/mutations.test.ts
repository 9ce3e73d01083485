/**
 * Valid byte streams, damaged at random, against a live connection. A short run belongs to every test run; a long one is
 *
 *     TRUNKLINE_MUTATIONS=10000000 node .build/test/hostile/mutations.test.js
 *
 * with its progress and figures printed. `TRUNKLINE_SEED` fixes the sessions and the damage; with `TRUNKLINE_CASE` only that
 * case of the seed is run, made small, and printed.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CloseCode } from '../../src/wire/constants.js';
import { runCase } from './live-run.js';
import { describeCase, type FixedCase, minimize } from './minimize.js';
import { MutationCases } from './mutation-cases.js';

const count = Number(process.env['TRUNKLINE_MUTATIONS'] ?? 20_000);
const seed = Number(process.env['TRUNKLINE_SEED'] ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
const only = process.env['TRUNKLINE_CASE'];
/** More than any machine needs; the time that the connection takes is printed. */
const FEED_MS_MAX = 5_000;
const long = count > 100_000;
const PRINT_EACH = 100_000;

async function report(index: number, hostile: FixedCase, problem: string): Promise<never> {
  const small = await minimize(hostile);
  Error.stackTraceLimit = 20;
  const { problem: left } = await runCase(small);
  const repeat = `TRUNKLINE_SEED=${seed} TRUNKLINE_CASE=${index} node .build/test/hostile/mutations.test.js`;
  throw new Error(`case ${index}: ${problem}\nrepeat it: ${repeat}\nmade small (${left}):\n${describeCase(small)}`);
}

// Each refused call makes an error, and its stack would take most of the time. A failed case is run again with stacks.
Error.stackTraceLimit = 0;

test('undamaged sessions have every planned outcome, and no CLOSE', async () => {
  const cases = new MutationCases(seed);
  for (let index = 0; index < cases.count; index++) {
    const { side, calls, frames, outcomes, closes } = cases.untouched(index);
    const { problem, settled, closeText } = await runCase({
      side,
      calls,
      setting: 'usual',
      steps: ['turn', Buffer.concat(frames), 'turn'],
    });
    const where = `seed ${seed}, session ${index}`;
    assert.is(problem, null, where);
    if (!closes) assert.is(closeText, 'closed by this side', where);
    for (const [call, outcome] of outcomes.entries()) {
      if (outcome !== 'none') assert.is(settled[call], outcome, `${where}, call ${call}: ${closeText}`);
    }
  }
});

test(`${count} damaged streams and messages: the connection continues or closes, and all invariants hold`, async () => {
  const cases = new MutationCases(seed);
  if (only !== undefined) {
    const hostile = cases.at(Number(only));
    const { problem, steps, feedMsMost } = await runCase(hostile);
    if (problem !== null) await report(Number(only), { ...hostile, steps }, problem);
    console.log(`case ${only} of seed ${seed}: no problem, longest chunk ${feedMsMost.toFixed(1)} ms`);
    return;
  }
  const codes = new Map<number, number>();
  let feedMsMost = 0;
  let slowest = -1;
  const from = performance.now();
  let index = 0;
  for (let printAt = PRINT_EACH; cases.mutations < count; index++) {
    const hostile = cases.at(index);
    const { problem, closeCode, feedMsMost: ms, steps } = await runCase(hostile);
    if (problem !== null) await report(index, { ...hostile, steps }, problem);
    codes.set(closeCode, (codes.get(closeCode) ?? 0) + 1);
    if (ms > feedMsMost) {
      // What another process or a collection took is not taken again.
      let least = ms;
      for (let again = 0; again < 5 && least > feedMsMost; again++) {
        least = Math.min(least, (await runCase(cases.at(index))).feedMsMost);
      }
      if (least > feedMsMost) {
        feedMsMost = least;
        slowest = index;
      }
    }
    if (long && cases.mutations >= printAt) {
      printAt += PRINT_EACH;
      const perSecond = Math.round(cases.mutations / ((performance.now() - from) / 1_000));
      const slow = `longest chunk ${feedMsMost.toFixed(1)} ms (case ${slowest})`;
      console.log(`${cases.mutations} of ${count} on ${index + 1} connections, ${perSecond} a second, ${slow}`);
      // Lets the process answer signals.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const names = new Map<number, string>(Object.entries(CloseCode).map(([name, code]) => [code, name]));
  const ends = [...codes]
    .sort(([, a], [, b]) => b - a)
    .map(([code, times]) => `${names.get(code) ?? 'no CLOSE'} ${times}`);
  if (long) console.log(`seed ${seed}; ends: ${ends.join(', ')}`);
  assert.ok(
    feedMsMost < FEED_MS_MAX,
    `a chunk took ${feedMsMost} ms: TRUNKLINE_SEED=${seed} TRUNKLINE_CASE=${slowest}`,
  );
  // Damage that always or never ends a connection would test little.
  assert.ok((codes.get(CloseCode.SHUTDOWN) ?? 0) > index / 50, `few connections went on: ${ends.join(', ')}`);
  assert.ok(codes.size > 8, `few ways to end: ${ends.join(', ')}`);
});

test.run();
