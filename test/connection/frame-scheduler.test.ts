/** Long messages to frames: how they are cut, who goes first, and what credit and room have to say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { raw } from '../../src/avro/service/raw.js';
import { minimumLimits } from '../../src/base/limits.js';
import {
  FrameScheduler,
  type ItemCredit,
  LATER,
  LongMessage,
  PASSED_OVER_MAX,
} from '../../src/connection/messages/frame-scheduler.js';
import { MessageSender } from '../../src/connection/messages/message-sender.js';
import { noCompression } from '../../src/connection/messages/method-compression.js';
import { WriteQueue } from '../../src/connection/messages/write-queue.js';
import { FRAME, FrameDecoder } from '../../src/wire/decoder.js';
import { VirtualClock } from '../support/clock.js';
import { ScriptedTransport } from '../support/scripted-transport.js';

const KIB = 1024;
const REQUEST = 4;
const ITEM = 6;

class Credit implements ItemCredit {
  constructor(public left: number) {}

  spend(bytes: number): void {
    assert.ok(bytes <= this.left, `${bytes} bytes of ${this.left} were spent`);
    this.left -= bytes;
  }
}

function setUp(heldBytesMax = 1024 * KIB) {
  const clock = new VirtualClock();
  const socket = new ScriptedTransport();
  const owner = { onUnsent: () => {}, onOverflow: () => {} };
  const queue = new WriteQueue(socket, owner, Infinity, Infinity);
  const scheduler = new FrameScheduler(queue, socket, clock, heldBytesMax);
  const add = (call: number, bytes: number, credit: ItemCredit | null = null): LongMessage => {
    const message = new LongMessage(
      credit === null ? REQUEST : ITEM,
      0,
      call,
      0,
      null,
      Buffer.alloc(bytes, call),
      credit,
    );
    scheduler.add(message);
    return message;
  };
  /** The end of this tick, and turns of the event loop until nothing is due. */
  const run = async (): Promise<void> => {
    await Promise.resolve();
    while (clock.pending > 0) clock.finishReads();
  };
  let seen = 0;
  /** `call:bytes` of the frames since the last look, with `+` when more are to come. */
  const frames = (): string[] => {
    queue.flush();
    const decoder = new FrameDecoder({ preface: false });
    decoder.push(socket.output.subarray(seen));
    seen = socket.output.length;
    const found: string[] = [];
    while (decoder.next() === FRAME) {
      const { call, start, end, flags } = decoder;
      assert.ok(decoder.buffer.subarray(start, end).every((byte) => byte === call));
      found.push(`${call}:${end - start}${flags === 1 ? '+' : ''}`);
    }
    return found;
  };
  return { clock, socket, queue, scheduler, add, run, frames };
}

const kib = (call: number, ...sizes: number[]): string[] => sizes.map((size) => `${call}:${size * KIB}+`);

test('a message alone leaves in frames of 64 KiB', async () => {
  const { add, run, frames } = setUp();
  let sent = 0;
  add(1, 160 * KIB).onSent = () => sent++;
  await run();
  assert.equal(frames(), [...kib(1, 64, 64), `1:${32 * KIB}`]);
  assert.is(sent, 1);
});

test('two messages take turns of 64 KiB in frames of 16 KiB, and the remaining one continues in large ones', async () => {
  const { add, run, frames } = setUp();
  add(1, 176 * KIB);
  add(2, 96 * KIB);
  await run();
  const first = [...kib(1, 16, 16, 16, 16), ...kib(2, 16, 16, 16, 16)];
  assert.equal(frames(), [...first, ...kib(1, 16, 16, 16, 16), ...kib(2, 16), `2:${16 * KIB}`, `1:${48 * KIB}`]);
});

test('what fits a frame is not cut, also when others wait', async () => {
  const { add, run, frames } = setUp();
  for (const call of [1, 2, 3]) add(call, 64 * KIB);
  await run();
  assert.equal(frames(), [`1:${64 * KIB}`, `2:${64 * KIB}`, `3:${64 * KIB}`]);
});

test('a frame after small ones has 16 KiB', async () => {
  const { add, run, frames, queue, socket, scheduler } = setUp();
  add(1, 1024 * KIB);
  queue.writeFrame(REQUEST, 0, 2, 0, Buffer.from([2]));
  socket.unsentBytes = 0;
  await run();
  const sent = frames();
  assert.equal(sent.slice(0, 3), ['2:1', ...kib(1, 16, 64)]);
  assert.is(scheduler.isFull(), false);
});

test('nothing more leaves while the socket holds enough, and a message dropped then is gone', async () => {
  const { add, run, frames, socket, scheduler } = setUp();
  const message = add(1, 1024 * KIB);
  socket.unsentBytes = 128 * KIB + 1;
  await run();
  assert.equal(frames(), []);
  socket.unsentBytes = 0;
  scheduler.pump();
  assert.is(frames().length, 8);
  scheduler.drop(message);
  await run();
  assert.equal(frames(), []);
  assert.ok(message.dropped);
});

test('the higher priority goes first, equals take turns, and a later one overtakes', async () => {
  const { add, run, frames } = setUp();
  add(1, 96 * KIB);
  add(2, 80 * KIB).priority = 1;
  add(3, 80 * KIB).priority = 1;
  add(4, 80 * KIB).priority = 7;
  add(5, 80 * KIB).priority = -1;
  await run();
  const order = frames().map((frame) => frame.slice(0, 1));
  assert.is(order.join(''), '44444222233332315111115');
});

test('a message is passed over so many times and no more, also by higher ones that never end', async () => {
  const { add, run, frames } = setUp(Infinity);
  add(1, 65 * KIB);
  add(2, 4 * PASSED_OVER_MAX * 16 * KIB).priority = 9;
  await run();
  const order = frames().map((frame) => frame.slice(0, 1));
  assert.is(order.indexOf('1'), PASSED_OVER_MAX);
  assert.equal(
    order.flatMap((call, at) => (call === '1' ? [at] : [])).slice(0, 3),
    [1, 2, 3].map((turn) => turn * (PASSED_OVER_MAX + 1) - 1),
  );
});

test('a message that waits for credit is not passed over, and one with credit goes before a higher one without', async () => {
  const { add, run, frames, scheduler } = setUp();
  const credit = new Credit(0);
  add(1, 16 * KIB, credit).priority = 1;
  const low = add(2, 256 * KIB);
  await run();
  assert.equal(new Set(frames().map((frame) => frame.slice(0, 1))), new Set(['2']));
  assert.is(low.passedOver, 0);
  const stalled = add(3, 16 * KIB, credit);
  add(4, 64 * KIB).priority = 1;
  await run();
  assert.is(stalled.passedOver, 0);
  assert.is(scheduler.isFull(), false);
});

test('an item takes no more than its credit and passes the turn to others without it', async () => {
  const { add, run, frames, scheduler } = setUp();
  const credit = new Credit(20 * KIB);
  add(1, 80 * KIB, credit);
  add(2, 80 * KIB);
  await run();
  // 16 KiB and 12 bytes, then the rest of the credit, then nothing until more comes.
  const rest = 20 * KIB - (16 * KIB + 12) - 12;
  assert.equal(frames(), [...kib(1, 16), `1:${rest}+`, ...kib(2, 16, 16, 16, 16), `2:${16 * KIB}`]);
  assert.is(credit.left, 0);
  credit.left = 1024 + 11;
  scheduler.pump();
  assert.equal(frames(), [], 'less than 1,024 bytes are not worth a frame');
  credit.left = 1024 + 12;
  scheduler.pump();
  assert.equal(frames(), ['1:1024+']);
  credit.left = 1024 * KIB;
  scheduler.pump();
  assert.equal(frames(), [`1:${80 * KIB - 16 * KIB - rest - 1024}`]);
});

test('items that wait for credit leave room for everything but others like them', async () => {
  const { add, run, scheduler } = setUp(100 * KIB);
  let room = 0;
  scheduler.onRoom(() => room++);
  const credit = new Credit(0);
  add(1, 100 * KIB, credit);
  assert.is(scheduler.isFull(), true);
  await run();
  assert.is(room, 1, 'it only waits');
  assert.is(scheduler.isFull(), false);
  assert.is(scheduler.isFullForItem(64 * KIB, new Credit(64 * KIB)), true);
  assert.is(scheduler.isFullForItem(64 * KIB, new Credit(65 * KIB)), false);
  credit.left = 200 * KIB;
  scheduler.pump();
  assert.is(room, 2);
  assert.is(scheduler.isFullForItem(64 * KIB, new Credit(0)), false);
});

test('an item is paid for, waits for credit when that does not cover it, and waits outside when too much does', async () => {
  const { clock, socket, queue, run, frames } = setUp();
  const sender = new MessageSender(queue, socket, clock, minimumLimits, 64 * KIB);
  const credit = new Credit(100);
  const item = (call: number, bytes: number, from = credit) =>
    sender.sendItem(call, raw, Buffer.alloc(bytes, call), noCompression, from);
  assert.is(item(1, 80), null);
  assert.is(credit.left, 8);
  const empty = item(1, 0);
  assert.ok(empty !== null && empty !== LATER, 'an empty item costs 12');
  await run();
  assert.equal(frames(), ['1:80']);
  credit.left = 12;
  sender.pump();
  assert.equal(frames(), ['1:0']);
  const none = new Credit(0);
  assert.is.not(item(2, 64 * KIB, none), LATER);
  await run();
  assert.is(item(3, 64 * KIB, none), LATER);
  assert.is.not(item(4, 32 * KIB, new Credit(40 * KIB)), LATER);
  await run();
  assert.equal(frames(), ['4:16384+', '4:16384']);
});

test.run();
