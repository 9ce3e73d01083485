/** Checksums of batches, by everything that calculates them: against sums made bit by bit, and with every byte damaged. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CloseCode, Flag, FrameType } from '../../src/wire/constants.js';
import { FAILED, FRAME, FrameDecoder, NEED_MORE } from '../../src/wire/decoder.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import { checksumTwin, type FrameChecksums } from '../../src/wire/frame-checksums.js';
import { buildAddons } from '../native/addon-build.js';
import { defining } from '../native/peer-program.js';
import { type Random, withSeed } from '../support/seed.js';
import { crc32 } from '../support/vectors/bytes.js';

const HEAD_BYTES = 16;
/** Without a compiler those of the addon are skipped, by name. */
const addons = buildAddons();
const kinds: readonly (readonly [name: string, checksums: FrameChecksums])[] = [
  ['the twin', checksumTwin()],
  ...addons.built,
];
const testWith = defining(test);
for (const { name, reason } of addons.missing) testWith(reason, name, () => {});

interface Batch {
  readonly bytes: Buffer;
  /** Where each frame begins. */
  readonly starts: readonly number[];
  /** Where each frame begins whose checksum counts. */
  readonly summed: readonly number[];
}

/** Frames with and without a checksum, which is left open; `sizes` are of what is behind it. */
function batchOf(random: Random, sizes: readonly number[]): Batch {
  const frames = sizes.map((size) => {
    const kind = random.below(8);
    const type = kind === 0 ? 200 : FrameType.ITEM;
    const flags = kind === 1 ? 0 : Flag.CHECKSUM;
    const payload = Buffer.concat([Buffer.alloc(4), random.bytes(size)]);
    return { frame: encodeFrame({ type, flags, call: 65_536 + size, payload }), summed: kind > 1 };
  });
  const starts: number[] = [];
  let at = 0;
  for (const { frame } of frames) {
    starts.push(at);
    at += frame.length;
  }
  return {
    bytes: Buffer.concat(frames.map(({ frame }) => frame)),
    starts,
    summed: starts.filter((_, index) => frames[index]?.summed),
  };
}

/** The same with right checksums, made bit by bit. */
function filled({ bytes, summed }: Batch): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of summed) {
    const end = at + 12 + copy.readUInt32LE(at);
    const sum = crc32(Buffer.concat([copy.subarray(at, at + 12), copy.subarray(at + HEAD_BYTES, end)]));
    copy.writeUInt32LE(sum, at + 12);
  }
  return copy;
}

const sizesOf = (random: Random): number[] =>
  Array.from({ length: random.below(60) }, () => {
    const kind = random.below(30);
    return random.below(kind === 0 ? 70_000 : kind < 4 ? 2_000 : 90);
  });

for (const [name, checksums] of kinds) {
  test(`${name}: the sum of "123456789", whole and in parts`, () => {
    const text = Buffer.from('123456789');
    assert.is(checksums.add(0, text), 0xcbf4_3926);
    for (let at = 0; at <= text.length; at++) {
      assert.is(checksums.add(checksums.add(0, text.subarray(0, at)), text.subarray(at)), 0xcbf4_3926);
    }
  });

  test(`${name}: a frame of every length up to 1,200 bytes, alone and among others`, () =>
    withSeed((random) => {
      const sizes = Array.from({ length: 1_200 }, (_, size) => size);
      const whole = batchOf(random, sizes);
      const right = filled(whole);
      checksums.fill(whole.bytes, 0, whole.bytes.length);
      assert.ok(whole.bytes.equals(right));
      assert.is(checksums.verify(right, 0, right.length), right.length);
      for (const [index, start] of whole.starts.entries()) {
        const end = whole.starts[index + 1] ?? right.length;
        const alone = Buffer.from(right.subarray(start, end));
        if (whole.summed.includes(start)) alone.writeUInt32LE(0, 12);
        checksums.fill(alone, 0, alone.length);
        assert.ok(alone.equals(right.subarray(start, end)), `${index} bytes`);
        assert.is(checksums.verify(right, start, end), end);
      }
    }));

  test(`${name}: batches of any frames, anywhere in their buffer, cut anywhere`, () =>
    withSeed((random) => {
      for (let round = 0; round < 100; round++) {
        const batch = batchOf(random, sizesOf(random));
        const right = filled(batch);
        const before = random.below(40);
        const cut = random.below(right.length + 1);
        const buffer = Buffer.concat([random.bytes(before), batch.bytes, random.bytes(20)]);
        const around = Buffer.from(buffer);
        checksums.fill(buffer, before, before + cut);
        // The last frame that begins before the cut may be cut by it, and is left alone.
        const wholeTo = [...batch.starts, right.length].filter((at) => at <= cut).at(-1) ?? 0;
        assert.ok(buffer.subarray(before, before + wholeTo).equals(right.subarray(0, wholeTo)));
        assert.ok(buffer.subarray(before + wholeTo).equals(around.subarray(before + wholeTo)));
        assert.ok(buffer.subarray(0, before).equals(around.subarray(0, before)));
        assert.is(checksums.verify(buffer, before, before + cut), before + wholeTo);
      }
    }));

  test(`${name}: with any byte damaged, the frames before it pass, and its frame fails`, () =>
    withSeed((random) => {
      for (const sizes of [[5], [0, 1, 2, 3, 50, 60, 70, 8, 55, 56, 57, 58], [30, 1_500, 40, 40, 40, 40, 40, 40, 40]]) {
        const batch = batchOf(random, sizes);
        const right = filled(batch);
        for (let at = 0; at < right.length; at++) {
          const start = batch.starts.filter((one) => one <= at).at(-1) as number;
          // Type and flags say whether there is a checksum.
          if (!batch.summed.includes(start) || at - start === 8 || at - start === 9) continue;
          const damaged = Buffer.from(right);
          damaged[at] = (damaged[at] as number) ^ (1 + random.below(255));
          assert.is(checksums.verify(damaged, 0, damaged.length), start, `byte ${at}`);
        }
      }
    }));
}

function decode(chunks: readonly Buffer[], frameBytesMax = 65_536) {
  const decoder = new FrameDecoder({ preface: false, frameBytesMax });
  decoder.acceptChecksums(checksumTwin());
  const bodies: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let found = decoder.next(); found !== NEED_MORE; found = decoder.next()) {
      if (found === FAILED) return { bodies, error: decoder.error };
      assert.is(found, FRAME);
      assert.ok(decoder.checksummed);
      assert.is(decoder.flags & Flag.CHECKSUM, 0);
      bodies.push(decoder.buffer.toString('latin1', decoder.start, decoder.end));
    }
  }
  return { bodies, error: decoder.error };
}

const texts = ['the first', '', 'a third, which is longer than those before it', 'x'.repeat(90)];
const stream = (() => {
  const frames = texts.map((text) =>
    encodeFrame({
      type: FrameType.ITEM,
      flags: Flag.CHECKSUM,
      call: 65_536,
      payload: Buffer.concat([Buffer.alloc(4), Buffer.from(text)]),
    }),
  );
  const bytes = Buffer.concat(frames);
  checksumTwin().fill(bytes, 0, bytes.length);
  return bytes;
})();

test('a decoder returns the frames before a damaged one, and never that one, at every split point', () => {
  const ends: number[] = [];
  for (const text of texts) ends.push((ends.at(-1) ?? 0) + HEAD_BYTES + text.length);
  for (let split = 0; split <= stream.length; split++) {
    const { bodies, error } = decode([stream.subarray(0, split), stream.subarray(split)]);
    assert.is(error, null);
    assert.equal(bodies, texts);
  }
  for (let at = 0; at < stream.length; at++) {
    const index = ends.findIndex((end) => at < end);
    const inFrame = at - (ends[index - 1] ?? 0);
    if (inFrame === 8 || inFrame === 9) continue;
    const damaged = Buffer.from(stream);
    damaged[at] = (damaged[at] as number) ^ 0x04;
    for (let split = 0; split <= damaged.length; split += 7) {
      const { bodies, error } = decode([damaged.subarray(0, split), damaged.subarray(split)]);
      assert.equal(bodies, texts.slice(0, index), `byte ${at}, split at ${split}`);
      // What claims to be longer than all that came is not whole yet.
      if (error === null) assert.ok(inFrame < 4, `byte ${at}`);
      // Lengths and method numbers may be wrong by themselves.
      else
        assert.ok(
          inFrame < 4 || inFrame === 10 || inFrame === 11 || error.code === CloseCode.CHECKSUM,
          `byte ${at}: ${error.message}`,
        );
    }
  }
});

test('a frame before the agreement, in the same chunk, has no checksum; those after it are verified', () => {
  const decoder = new FrameDecoder({ preface: false });
  const plain = encodeFrame({ type: FrameType.ITEM, call: 65_536, payload: Buffer.from('plain') });
  const damaged = Buffer.from(stream);
  damaged[damaged.length - 1] = 0;
  decoder.push(Buffer.concat([plain, damaged]));
  assert.is(decoder.next(), FRAME);
  assert.not(decoder.checksummed);
  decoder.acceptChecksums(checksumTwin());
  for (let index = 0; index < 3; index++) assert.is(decoder.next(), FRAME);
  assert.is(decoder.next(), FAILED);
  assert.is(decoder.error?.code, CloseCode.CHECKSUM);
});

test('the payload of a frame may be as long as the limit, including its checksum', () => {
  const make = (bytes: number): Buffer => {
    const payload = Buffer.alloc(bytes, 7);
    const frame = encodeFrame({ type: FrameType.ITEM, flags: Flag.CHECKSUM, call: 65_536, payload });
    checksumTwin().fill(frame, 0, frame.length);
    return frame;
  };
  assert.is(decode([make(20_000)], 20_000).bodies[0]?.length, 19_996);
  assert.is(decode([make(20_001)], 20_000).error?.code, CloseCode.FRAME_SIZE);
});

test.run();
