/** The frame decoder under any chunking: the same frames, at a cost that is linear in the bytes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame, FAILED, FRAME, FrameDecoder, FrameType, NEED_MORE } from '../../src/wire/index.js';
import { type Random, withSeed } from '../support/seed.js';

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly call: number;
  readonly method: number;
  readonly payload: string;
}

function decodeAll(decoder: FrameDecoder, chunks: Iterable<Buffer>): Seen[] {
  const seen: Seen[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    while (decoder.next() === FRAME) {
      const { type, flags, call, method, buffer, start, end } = decoder;
      seen.push({ type, flags, call, method, payload: buffer.toString('latin1', start, end) });
    }
    if (decoder.error !== null) throw decoder.error;
  }
  return seen;
}

function* cut(bytes: Buffer, size: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + size());
    yield bytes.subarray(at, end);
    at = end;
  }
}

function randomFrames(random: Random, count: number): Seen[] {
  return Array.from({ length: count }, () => ({
    type: FrameType.REQUEST,
    flags: random.below(2),
    call: 1 + random.below(2 ** 31),
    method: random.below(65_536),
    payload: Buffer.alloc(
      random.oneIn(10) ? random.below(70_000) % 65_537 : random.below(200),
      random.below(256),
    ).toString('latin1'),
  }));
}

function encodeAll(frames: readonly Seen[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame({ ...frame, payload: Buffer.from(frame.payload, 'latin1') })));
}

test('random frames in random chunks are decoded unchanged', () => {
  withSeed((random) => {
    for (let round = 0; round < 60; round++) {
      const frames = randomFrames(random, 1 + random.below(40));
      const most = random.pick([1, 2, 3, 13, 100, 5_000, 65_536, 1_000_000]);
      const size = (): number => 1 + random.below(most);
      // One byte at a time is for short streams.
      const bytes = encodeAll(most < 13 ? frames.slice(0, 3) : frames);
      const decoder = new FrameDecoder({ preface: false });
      assert.equal(decodeAll(decoder, cut(bytes, size)), most < 13 ? frames.slice(0, 3) : frames);
      assert.is(decoder.finish(), null);
    }
  });
});

/** Bytes that `Buffer.prototype.copy` moves and that `Buffer.allocUnsafeSlow` makes while `run` runs. */
function countBytes(run: () => void): { copied: number; allocated: number } {
  const { copy } = Buffer.prototype;
  const { allocUnsafeSlow } = Buffer;
  const counts = { copied: 0, allocated: 0 };
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<Buffer['copy']>): number {
    const moved = copy.apply(this, args);
    counts.copied += moved;
    return moved;
  };
  Buffer.allocUnsafeSlow = (size: number) => {
    counts.allocated += size;
    return allocUnsafeSlow(size);
  };
  try {
    run();
  } finally {
    Buffer.prototype.copy = copy;
    Buffer.allocUnsafeSlow = allocUnsafeSlow;
  }
  return counts;
}

const MESSAGE_BYTES = 4 * 1024 * 1024;
for (const [what, frameBytes] of [
  ['one frame', MESSAGE_BYTES],
  ['frames of 64 KiB', 65_536],
] as const) {
  for (const chunkBytes of [1, 7, 1_024, 65_536]) {
    test(`4 MiB as ${what} in chunks of ${chunkBytes} bytes copy each byte at most three times`, () => {
      const frames: Buffer[] = [];
      for (let at = 0; at < MESSAGE_BYTES; at += frameBytes) {
        frames.push(encodeFrame({ type: FrameType.REQUEST, call: 1, payload: Buffer.alloc(frameBytes, at >> 16) }));
      }
      const bytes = Buffer.concat(frames);
      const decoder = new FrameDecoder({ preface: false, frameBytesMax: MESSAGE_BYTES });
      let found = 0;
      const { copied, allocated } = countBytes(() => {
        for (const chunk of cut(bytes, () => chunkBytes)) {
          decoder.push(chunk);
          while (decoder.next() === FRAME) found += decoder.end - decoder.start;
        }
      });
      assert.is(found, MESSAGE_BYTES);
      assert.ok(copied <= 3 * bytes.length, `${copied} bytes copied`);
      assert.ok(allocated <= 4 * MESSAGE_BYTES + 1_024, `${allocated} bytes allocated`);
    });
  }
}

test('a header that claims a long frame allocates nothing', () => {
  const decoder = new FrameDecoder({ preface: false, frameBytesMax: 2 ** 31 });
  const header = encodeFrame({ type: FrameType.REQUEST, call: 1 });
  header.writeUInt32LE(2 ** 31, 0);
  const { allocated } = countBytes(() => {
    decoder.push(header);
    assert.is(decoder.next(), NEED_MORE);
    decoder.push(Buffer.alloc(100));
    assert.is(decoder.next(), NEED_MORE);
  });
  assert.ok(allocated <= 2_048, `${allocated} bytes allocated`);
});

test('a length that arrived in full before is trusted, and the frame is held in one buffer that does not grow', () => {
  const decoder = new FrameDecoder({ preface: false });
  const frame = encodeFrame({ type: FrameType.REQUEST, call: 1, payload: Buffer.alloc(60_000) });
  const receive = () =>
    countBytes(() => {
      for (const chunk of [frame.subarray(0, 1_000), frame.subarray(1_000, 10_000), frame.subarray(10_000)]) {
        decoder.push(chunk);
        const found = decoder.next();
        assert.is(found, chunk.length === 50_012 ? FRAME : NEED_MORE);
      }
      assert.is(decoder.next(), NEED_MORE);
      assert.ok(decoder.claim(decoder.buffer));
    });
  assert.ok(receive().copied > frame.length, 'grown at first');
  assert.equal(receive(), { copied: frame.length, allocated: frame.length });
  const longer = encodeFrame({ type: FrameType.REQUEST, call: 1, payload: Buffer.alloc(60_001) });
  const { allocated } = countBytes(() => {
    decoder.push(longer.subarray(0, 100));
    assert.is(decoder.next(), NEED_MORE);
  });
  assert.ok(allocated <= 512, `${allocated} bytes allocated`);
});

test('after its first error a decoder stays failed', () => {
  const decoder = new FrameDecoder({ preface: false });
  decoder.push(encodeFrame({ type: 99 }));
  assert.is(decoder.next(), FAILED);
  const { error } = decoder;
  decoder.push(encodeFrame({ type: FrameType.PING, payload: Buffer.alloc(8) }));
  assert.is(decoder.next(), FAILED);
  assert.is(decoder.error, error);
});

test('a chunk pushed before the last one is used up is a programming error', () => {
  const decoder = new FrameDecoder({ preface: false });
  const ping = encodeFrame({ type: FrameType.PING, payload: Buffer.alloc(8) });
  decoder.push(Buffer.concat([ping, ping]));
  decoder.next();
  assert.throws(() => decoder.push(ping), /used up/);
});

test('a long frame cut by chunks can be claimed: nothing is written to its buffer any more', () => {
  const decoder = new FrameDecoder({ preface: false });
  const frame = (fill: number) =>
    encodeFrame({ type: FrameType.ITEM, call: 65_536, payload: Buffer.alloc(40_000, fill) });
  const claimed: Buffer[] = [];
  const stream = Buffer.concat([frame(1), frame(2), frame(3)]);
  for (let at = 0; at < stream.length; at += 30_000) {
    decoder.push(stream.subarray(at, at + 30_000));
    while (decoder.next() === FRAME) {
      const { buffer, start, end } = decoder;
      assert.is(decoder.claim(Buffer.alloc(40_012)), false, 'it is not the buffer of this frame');
      if (decoder.claim(buffer)) claimed.push(buffer.subarray(start, end));
      assert.is(decoder.claim(buffer), false, 'it was claimed already');
    }
  }
  assert.is(claimed.length, 3);
  for (const [index, payload] of claimed.entries()) assert.ok(payload.equals(Buffer.alloc(40_000, index + 1)));
});

test('a frame in the chunk itself, or a short one, cannot be claimed', () => {
  const decoder = new FrameDecoder({ preface: false });
  const long = encodeFrame({ type: FrameType.ITEM, call: 65_536, payload: Buffer.alloc(40_000) });
  decoder.push(long);
  assert.is(decoder.next(), FRAME);
  assert.is(decoder.claim(decoder.buffer), false);
  assert.is(decoder.next(), NEED_MORE);
  const short = encodeFrame({ type: FrameType.ITEM, call: 65_536, payload: Buffer.alloc(400) });
  decoder.push(short.subarray(0, 100));
  assert.is(decoder.next(), NEED_MORE);
  decoder.push(short.subarray(100));
  assert.is(decoder.next(), FRAME);
  assert.is(decoder.claim(decoder.buffer), false);
});

test('the rest of a chunk outlives its buffer once it is kept', () => {
  withSeed((random) => {
    const frames = randomFrames(random, 10);
    const chunk = Buffer.concat([encodeAll(frames), Buffer.from([9, 0, 0])]);
    const taken = random.below(frames.length + 1);
    const decoder = new FrameDecoder({ preface: false });
    decoder.push(chunk);
    const seen: Seen[] = [];
    for (let count = 0; ; count++) {
      if (count === taken) {
        decoder.keepRest();
        chunk.fill(0xff);
      }
      if (decoder.next() !== FRAME) break;
      const { type, flags, call, method, buffer, start, end } = decoder;
      seen.push({ type, flags, call, method, payload: buffer.toString('latin1', start, end) });
    }
    assert.is(decoder.error, null);
    assert.equal(seen, frames);
  });
});

test.run();
