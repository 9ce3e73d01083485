/** The write queue at its bounds: what leaves is whole frames, whatever happens while they are written. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WriteQueue } from '../../src/connection/messages/write-queue.js';
import type { Transport } from '../../src/transport/transport.js';
import { CloseCode, FrameType } from '../../src/wire/constants.js';
import { encodeClose } from '../../src/wire/records/close.js';
import { NarrowTransport } from '../rpc/narrow-transport.js';
import { magic } from '../support/frames.js';

const HARD_BYTES = 100_000;

test('F20 a queue that overflows inside a long frame closes behind it, and CLOSE can be read', () => {
  for (let before = HARD_BYTES - 20; before < HARD_BYTES; before++) {
    const transport = new NarrowTransport();
    let overflows = 0;
    const queue = new WriteQueue(
      transport,
      {
        onUnsent: () => {},
        onOverflow: ({ code }) => {
          // As a connection does it, for which it is over by then.
          if (overflows++ > 0) return;
          queue.writeFrame(FrameType.CLOSE, 0, 0, 0, encodeClose({ code, text: 'too much' }));
          queue.flush();
          queue.close();
        },
      },
      HARD_BYTES / 2,
      HARD_BYTES,
    );
    transport.write(magic);
    queue.writeLargeFrame(FrameType.ITEM, 0, 0x1_0000, 0, null, Buffer.alloc(before - magic.length - 12));
    assert.is(transport.unsentBytes, before);
    queue.writeLargeFrame(FrameType.ITEM, 0, 0x1_0000, 0, Buffer.alloc(4), Buffer.alloc(50_000));
    transport.read();
    const names = transport.frames.map(({ name }) => name);
    assert.equal(names, ['ITEM', 'ITEM', 'CLOSE'], `${before} bytes before`);
    assert.is(transport.frames[1]?.payload.length, 50_004);
    assert.is(transport.frames[2]?.payload[0], 2 * CloseCode.WRITE_QUEUE);
    assert.ok(overflows > 0);
  }
});

test('the batches of a chunk begin with a quarter of what left before, double, and leave at its end at the latest', () => {
  const writes: number[] = [];
  const transport = { write: (bytes: Uint8Array) => writes.push(bytes.length) > 0, unsentBytes: 0 };
  const owner = { onUnsent: () => {}, onOverflow: () => {} };
  const queue = new WriteQueue(transport as unknown as Transport, owner, HARD_BYTES / 2, HARD_BYTES);
  const batch = (frames: number): number[] => {
    assert.ok(queue.beginBatch());
    assert.not(queue.beginBatch(), 'one is due');
    for (let frame = 0; frame < frames; frame++) queue.writeFrame(FrameType.RESPONSE, 0, 1, 0, Buffer.alloc(500));
    queue.endBatch();
    return writes.splice(0);
  };
  assert.equal(batch(40), [1024, 2048, 4096, 8192, 5120]);
  assert.equal(batch(0), []);
  assert.equal(batch(40), [5120, 10_240, 5120], 'a chunk without an answer changes nothing');
  assert.equal(batch(1), [512]);
  assert.equal(batch(4), [1024, 1024]);
  assert.equal(batch(120), [1024, 2048, 4096, 8192, 16_384, 29_696]);
  assert.equal(batch(40), [15_360, 5120]);
});

test.run();
