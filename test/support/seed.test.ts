import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random, withSeed } from './seed.js';

const ascending = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

test('one seed gives one sequence, another seed another', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.u32());
  };
  assert.equal(draw(7), draw(7));
  assert.not.equal(draw(7), draw(8));
  assert.ok(new Set(draw(0)).size > 15, 'seed 0 does not degenerate');
});

test('helpers stay in their ranges and reach both ends', () => {
  withSeed((random) => {
    const below = new Set<number>();
    const between = new Set<number>();
    for (let i = 0; i < 2_000; i++) {
      below.add(random.below(4));
      between.add(random.between(-1, 1));
    }
    assert.equal(ascending(below), [0, 1, 2, 3]);
    assert.equal(ascending(between), [-1, 0, 1]);
    const sizes = random.pieces(1_000, 7);
    assert.is(
      sizes.reduce((sum, size) => sum + size, 0),
      1_000,
    );
    assert.ok(sizes.every((size) => size >= 1 && size <= 7));
    assert.equal(ascending(random.shuffled([3, 1, 2])), [1, 2, 3]);
    assert.is(random.bytes(33).length, 33);
    assert.throws(() => random.pick([]), /nothing to pick/);
  });
});

test('a failing body prints its seed and still fails', async () => {
  const notes: string[] = [];
  const note = (text: string) => notes.push(text);
  let used = -1;
  const failing = (random: Random) => {
    used = random.seed;
    throw new Error('on purpose');
  };
  assert.throws(() => withSeed(failing, note), /on purpose/);
  assert.match(notes[0] ?? '', `TRUNKLINE_SEED=${used}\n`);

  const rejecting = withSeed(async (random) => failing(random), note);
  const error = await rejecting.then(
    () => null,
    (reason: Error) => reason,
  );
  assert.is(error?.message, 'on purpose');
  assert.match(notes[1] ?? '', `TRUNKLINE_SEED=${used}\n`);

  withSeed(() => {}, note);
  assert.is(notes.length, 2, 'a body that passes prints nothing');
});

test.run();
