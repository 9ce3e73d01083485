/** Whose turn it is among streams: each a share, all together a turn's worth, and no more before the event loop has gone round. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../src/base/clock.js';
import { SendWindow } from '../../src/connection/streams/send-window.js';
import { type StreamInLine, StreamTurns } from '../../src/connection/streams/stream-turns.js';
import type { Transport } from '../../src/transport/transport.js';

const SHARE_BYTES = 16 * 1024;
const TURN_BYTES = 64 * 1024;

/** A stream that writes each share whole, as a microtask, and stands in line again. */
class Writing implements StreamInLine {
  readonly window = new SendWindow(Number.MAX_SAFE_INTEGER);
  written = 0;

  constructor(private readonly turns: StreamTurns) {}

  onTurn(): void {
    queueMicrotask(() => {
      this.written += this.window.share;
      this.window.share = 0;
      this.turns.enter(this);
    });
  }
}

function streams(count: number): {
  all: Writing[];
  transport: { unsentBytes: number };
  turns: StreamTurns;
  nextTurn: () => void;
} {
  const due: (() => void)[] = [];
  const transport = { unsentBytes: 0 };
  const clock = { afterReads: (callback: () => void) => due.push(callback) };
  const turns = new StreamTurns(transport as unknown as Transport, clock as unknown as Clock);
  const all = Array.from({ length: count }, () => new Writing(turns));
  for (const stream of all) turns.enter(stream);
  return { all, transport, turns, nextTurn: () => due.splice(0).forEach((callback) => callback()) };
}

/** All microtasks have run. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('a stream that is alone writes a whole turn before the event loop goes round', async () => {
  const { all, nextTurn } = streams(1);
  for (let turn = 1; turn <= 3; turn++) {
    await settled();
    assert.is(all[0]?.written, turn * TURN_BYTES);
    nextTurn();
  }
});

test('streams take turns by shares, and all together write no more than a turn', async () => {
  const { all, nextTurn } = streams(3);
  await settled();
  const written = all.map((stream) => stream.written / SHARE_BYTES);
  assert.equal(written, [2, 1, 1]);
  nextTurn();
  await settled();
  assert.equal(
    all.map((stream) => stream.written / SHARE_BYTES),
    [3, 3, 2],
  );
});

test('more streams than a turn has shares: those that had none are first in the next', async () => {
  const { all, nextTurn } = streams(12);
  await settled();
  nextTurn();
  await settled();
  assert.equal(
    all.map((stream) => stream.written / SHARE_BYTES),
    [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
  );
});

test('nothing is written to a full socket until it has drained', async () => {
  const { all, transport, turns, nextTurn } = streams(1);
  transport.unsentBytes = 1024 * 1024;
  await settled();
  nextTurn();
  assert.is(all[0]?.written, 0);
  transport.unsentBytes = 0;
  turns.onDrain();
  await settled();
  assert.is(all[0]?.written, TURN_BYTES);
});

test.run();
