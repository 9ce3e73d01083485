/** A stream that is sent ends when its peer has ended its half and an item needs more credit than there is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { raw } from '../../src/avro/service/raw.js';
import { LongMessage } from '../../src/connection/messages/frame-scheduler.js';
import { noCompression } from '../../src/connection/messages/method-compression.js';
import { OutgoingStream, type SourceOwner } from '../../src/connection/streams/outgoing-stream.js';
import { SendWindow } from '../../src/connection/streams/send-window.js';
import { Source } from '../../src/connection/streams/source.js';
import type { StreamLink } from '../../src/connection/streams/stream-link.js';
import { FrameType } from '../../src/wire/constants.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';

const CREDIT_BYTES = 4_096;

/** A stream of one item, which is longer than its credit, and what its owner was called with. */
function longItem(source = new Source([Buffer.alloc(1)], () => {})): {
  stream: OutgoingStream;
  dropped: LongMessage[];
  ends: string[];
} {
  const window = new SendWindow(CREDIT_BYTES);
  const dropped: LongMessage[] = [];
  const ends: string[] = [];
  const long = new LongMessage(FrameType.ITEM, 0, 1, 0, null, Buffer.alloc(4 * CREDIT_BYTES), window);
  const link = {
    state: 'open',
    turns: { leave: () => {} },
    sender: { sendItem: () => long, drop: (message: LongMessage) => dropped.push(message) },
  };
  const owner: SourceOwner = {
    source,
    codec: raw as MessageCodec,
    head: null,
    compression: () => noCompression,
    priority: () => 0,
    onSourceEnd: () => ends.push('end'),
    onSourceError: (error) => ends.push(`error: ${String(error)}`),
    onUnsendable: (error) => ends.push(`unsendable: ${String(error)}`),
  };
  return { stream: new OutgoingStream(link as unknown as StreamLink, 1, window, owner), dropped, ends };
}

test('an item that was leaving when the peer ended its half fails the stream', async () => {
  const { stream, dropped, ends } = longItem();
  const run = stream.run();
  stream.onReadEnd();
  await run;
  assert.is(dropped.length, 1);
  assert.match(ends.join(), /^unsendable: .*gives no more credit$/);
});

test('an item taken after the peer ended its half fails the stream too', async () => {
  const { stream, dropped, ends } = longItem();
  stream.onReadEnd();
  await stream.run();
  assert.is(dropped.length, 1);
  assert.match(ends.join(), /^unsendable: .*gives no more credit$/);
});

test('a stream that was stopped ends without a word to its owner', async () => {
  const { stream, dropped, ends } = longItem();
  const run = stream.run();
  stream.stop();
  stream.stop();
  await run;
  assert.is(dropped.length, 1);
  assert.equal(ends, []);
});

test('A2 a source of which nothing was taken is not ended with the attempt, since the next one may need it', async () => {
  let returned = 0;
  const items: IterableIterator<Buffer> = {
    [Symbol.iterator]: () => items,
    next: () => ({ value: Buffer.alloc(1), done: false }),
    return: () => {
      returned++;
      return { value: undefined, done: true };
    },
  };
  const source = new Source(items, () => {});
  const { stream } = longItem(source);
  stream.stop();
  assert.ok(source.repeatable);
  assert.is(returned, 0);
  const next = longItem(source).stream;
  const run = next.run();
  assert.not(source.repeatable);
  next.stop();
  await run;
  await source.end();
  assert.is(returned, 1);
});

test.run();
