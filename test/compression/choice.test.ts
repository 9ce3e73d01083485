import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompressionChoice, worthKeeping } from '../../src/compression/choice.js';

test('a message below the threshold is never tried, one at the threshold is', () => {
  const choice = new CompressionChoice(4_096);
  assert.not(choice.tries(4_095));
  assert.ok(choice.tries(4_096));
});

test('kept only from 10 % saved on', () => {
  assert.ok(worthKeeping(10_000, 9_000));
  assert.not(worthKeeping(10_000, 9_001));
  assert.ok(worthKeeping(4_099, 3_689));
  assert.not(worthKeeping(4_099, 3_690));
  assert.not(worthKeeping(0, 5));
});

/** How many large messages pass untried until the next try. */
function passed(choice: CompressionChoice): number {
  let count = 0;
  while (!choice.tries(5_000)) count++;
  return count;
}

test('tries grow rarer while nothing is kept, up to 1 message in 65', () => {
  const choice = new CompressionChoice(4_096);
  assert.ok(choice.tries(5_000));
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    choice.settle(false);
    pauses.push(passed(choice));
  }
  assert.equal(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
});

test('one kept message ends the pause, and the next failure starts small again', () => {
  const choice = new CompressionChoice(4_096);
  for (let i = 0; i < 5; i++) {
    passed(choice);
    choice.settle(false);
  }
  assert.is(passed(choice), 16);
  choice.settle(true);
  assert.is(passed(choice), 0);
  choice.settle(false);
  assert.is(passed(choice), 1);
});

test('short messages do not use up the pause', () => {
  const choice = new CompressionChoice(4_096);
  choice.tries(5_000);
  choice.settle(false);
  for (let i = 0; i < 10; i++) choice.tries(100);
  assert.is(passed(choice), 1);
});

test.run();
