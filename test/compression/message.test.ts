import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { CompressionChoice } from '../../src/compression/choice.js';
import type { Compressor } from '../../src/compression/compressor.js';
import { loadCompressors } from '../../src/compression/load.js';
import { compressMessage, decompressMessage } from '../../src/compression/message.js';
import { Random, withSeed } from '../support/seed.js';
import { referenceDecode } from './lz4-reference.js';

const both = await loadCompressors(['lz4', 'gzip']);
const [lz4, gzip] = both as [Compressor, Compressor];
const messageBytesMax = 4 * 1024 * 1024;

function body(codec: number, rawLength: number, data: readonly number[] | Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = codec;
  head.writeUInt32LE(rawLength, 1);
  return Buffer.concat([head, Buffer.from(data)]);
}

function failure(compressed: Buffer, accepted: readonly Compressor[] = both, max = messageBytesMax): RpcError {
  try {
    decompressMessage(compressed, 0, compressed.length, accepted, max);
  } catch (error) {
    assert.instance(error, RpcError);
    return error as RpcError;
  }
  throw new Error('the message was accepted');
}

/** The codec with a note of whether its decoder was reached. */
function watched(compressor: Compressor): { compressor: Compressor; calls: () => number } {
  let calls = 0;
  const decompress: Compressor['decompress'] = (sized, rawLength) => {
    calls++;
    return compressor.decompress(sized, rawLength);
  };
  return { compressor: { ...compressor, decompress }, calls: () => calls };
}

/** Text-like bytes: half of them copies of what came before. */
function compressible(random: Random, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count; ) {
    const length = Math.min(random.between(1, 40), count - at);
    if (at > 0 && random.oneIn(2)) {
      const from = random.below(at);
      for (let i = 0; i < length; i++) bytes[at + i] = bytes[from + i];
    } else {
      random.bytes(length).copy(bytes, at);
    }
    at += length;
  }
  return bytes;
}

test('what was compressed comes back, from any place in the buffers', () => {
  withSeed((random) => {
    for (const compressor of both) {
      for (let i = 0; i < 40; i++) {
        const message = compressible(random, random.between(4_096, 60_000));
        const [before, after] = [random.bytes(random.below(20)), random.bytes(random.below(20))];
        const source = Buffer.concat([before, message, after]);
        const compressed = compressMessage(compressor, source, before.length, before.length + message.length);
        assert.ok(compressed, `${compressor.name}: half of it is copies`);
        const received = Buffer.concat([after, compressed, before]);
        const restored = decompressMessage(
          received,
          after.length,
          after.length + compressed.length,
          both,
          messageBytesMax,
        );
        assert.ok(restored.equals(message), compressor.name);
      }
    }
  });
});

test('the largest message comes back at the highest ratio of its codec', () => {
  const message = Buffer.alloc(messageBytesMax, 7);
  for (const compressor of both) {
    const compressed = compressMessage(compressor, message, 0, message.length);
    assert.ok(compressed);
    assert.ok(decompressMessage(compressed, 0, compressed.length, both, messageBytesMax).equals(message));
  }
});

test('the body is codec, raw length, data', () => {
  for (const compressor of both) {
    const compressed = compressMessage(compressor, Buffer.alloc(5_000, 'ab'), 0, 5_000);
    assert.ok(compressed);
    assert.is(compressed[0], compressor.id);
    assert.is(compressed.readUInt32LE(1), 5_000);
  }
  const compressed = compressMessage(lz4, Buffer.alloc(5_000, 'ab'), 0, 5_000);
  assert.ok(referenceDecode(compressed!.subarray(5), 5_000)?.equals(Buffer.alloc(5_000, 'ab')));
  const gzipped = compressMessage(gzip, Buffer.alloc(5_000, 'ab'), 0, 5_000);
  assert.is(gzipped?.readUInt16LE(5), 0x8b1f, 'a gzip member begins');
});

test('below the threshold nothing is compressed', () => {
  assert.is(compressMessage(lz4, Buffer.alloc(4_095), 0, 4_095), null);
  assert.ok(compressMessage(lz4, Buffer.alloc(4_096), 0, 4_096));
  assert.ok(compressMessage(lz4, Buffer.alloc(100), 0, 100, new CompressionChoice(100)));
  assert.is(compressMessage(lz4, Buffer.alloc(4_096), 0, 4_096, new CompressionChoice(5_000)), null);
});

test('a message that does not compress goes out as it is, and its method is tried more rarely', () => {
  const noise = new Random(1).bytes(8_000);
  let tries = 0;
  const counting: Compressor = {
    ...lz4,
    compress(message, start, end) {
      tries++;
      return lz4.compress(message, start, end);
    },
  };
  const choice = new CompressionChoice(4_096);
  for (let i = 0; i < 127; i++) assert.is(compressMessage(counting, noise, 0, noise.length, choice), null);
  assert.is(tries, 7);
});

test('B31 a message compressed with a codec that was not offered fails that call', () => {
  const compressed = compressMessage(lz4, Buffer.alloc(5_000), 0, 5_000);
  assert.ok(compressed);
  for (const accepted of [[], [gzip]]) {
    const error = failure(compressed, accepted);
    assert.is(error.code, 'INVALID_ARGUMENT');
    assert.match(error.message, 'codec 1, which was not offered');
  }
  for (const codec of [0, 3, 255]) assert.match(failure(body(codec, 1, [1])).message, `codec ${codec}`);
});

test('B32 a raw length beyond the limit is refused before the codec runs', () => {
  for (const real of both) {
    const { compressor, calls } = watched(real);
    const data = Buffer.alloc(100_000, 0x11);
    for (const rawLength of [messageBytesMax + 1, 2 ** 31, 2 ** 32 - 1]) {
      const error = failure(body(real.id, rawLength, data), [compressor]);
      assert.is(error.code, 'RESOURCE_EXHAUSTED');
      assert.equal(error.limit, {
        name: 'messageBytesMax',
        value: messageBytesMax,
        setting: 'limits.messageBytesMax',
      });
    }
    assert.is(calls(), 0);
  }
});

test('B32 a raw length beyond the ratio of its codec is refused before the codec runs', () => {
  for (const real of both) {
    const { compressor, calls } = watched(real);
    const atTheRatio = 10 * real.ratioMax;
    const error = failure(body(real.id, atTheRatio + 1, Buffer.alloc(10)), [compressor]);
    assert.is(error.code, 'INVALID_ARGUMENT');
    assert.match(error.message, 'cannot hold');
    assert.match(failure(body(real.id, 1, []), [compressor]).message, 'cannot hold');
    assert.is(calls(), 0);
    failure(body(real.id, atTheRatio, Buffer.alloc(10)), [compressor]);
    assert.is(calls(), 1, 'at the ratio it does run');
  }
});

test('B33 a raw length other than the real one fails that call', () => {
  for (const compressor of both) {
    const message = Buffer.alloc(5_000, 'abc');
    const compressed = compressMessage(compressor, message, 0, message.length);
    assert.ok(compressed);
    for (const claimed of [4_999, 5_001, 4_000, 6_000, 1, 0]) {
      const forged = Buffer.from(compressed);
      forged.writeUInt32LE(claimed, 1);
      assert.is(failure(forged).code, 'INVALID_ARGUMENT', `${compressor.name} ${claimed}`);
    }
  }
});

test('B34 a body without codec and length fails that call', () => {
  for (let length = 0; length < 5; length++) {
    assert.match(failure(Buffer.alloc(length, 1)).message, 'no codec and length');
  }
});

test('B34 LZ4 blocks with forged offsets, cut off or followed by more fail that call', () => {
  const tail = [0xf0, 40, ...Buffer.alloc(55, 0x42)];
  const cases: [name: string, rawLength: number, block: number[]][] = [
    ['offset 0 near the end', 10, [0x10, 0x41, 0, 0, 0x50, 1, 2, 3, 4, 5]],
    ['offset 0 in the fast loop', 60, [0x10, 0x41, 0, 0, ...tail]],
    ['offset 0 of a long match', 175, [0x1f, 0x41, 0, 0, 100, ...tail]],
    ['offset beyond the start, near the end', 10, [0x10, 0x41, 2, 0, 0x50, 1, 2, 3, 4, 5]],
    ['offset beyond the start, in the fast loop', 60, [0x10, 0x41, 9, 0, ...tail]],
    ['offset beyond the start, long match', 175, [0x1f, 0x41, 2, 0, 100, ...tail]],
    ['offset before anything was written', 59, [0x00, 1, 0, ...tail]],
    ['largest offset', 60, [0x10, 0x41, 0xff, 0xff, ...tail]],
    ['cut off in its literals', 5, [0x50, 1, 2]],
    ['cut off in its offset', 5, [0x10, 1, 2]],
    ['cut off behind a match', 5, [0x10, 0x41, 1, 0]],
    ['cut off in a long literal length', 300, [0xf0, 255, 255]],
    ['cut off in a long match length', 300, [0x1f, 0x41, 1, 0, 255]],
    ['one byte behind the last literals', 3, [0x30, 1, 2, 3, 9]],
    ['a sequence behind the last literals', 3, [0x30, 1, 2, 3, 1, 0, 0]],
    ['nothing but a token', 5, [0x00]],
  ];
  for (const [name, rawLength, block] of cases) {
    const error = failure(body(1, rawLength, block));
    assert.is(error.code, 'INVALID_ARGUMENT', name);
  }
});

test('B34 gzip data with a wrong checksum, cut off or followed by more fails that call', () => {
  const compressed = compressMessage(gzip, Buffer.alloc(5_000, 'abc'), 0, 5_000);
  assert.ok(compressed);
  const forged = Buffer.from(compressed);
  forged[forged.length - 6] ^= 1;
  assert.match(failure(forged).message, 'incorrect data check');
  for (const more of [Buffer.alloc(1), Buffer.alloc(9), Buffer.from([1]), Buffer.from([0x1f, 0x8b])]) {
    assert.is(failure(Buffer.concat([compressed, more])).code, 'INVALID_ARGUMENT');
  }
  for (let cut = 1; cut <= compressed.length - 5; cut++) {
    assert.is(failure(compressed.subarray(0, compressed.length - cut)).code, 'INVALID_ARGUMENT');
  }
});

/** A block that is mostly right: some valid ones with bytes changed or cut off, some made of random sequences. */
function suspectBlock(random: Random): { block: Buffer; rawLength: number } {
  if (random.oneIn(2)) {
    const message = compressible(random, random.between(1, 400));
    const block = Buffer.from(lz4.compress(message, 0, message.length));
    for (let i = random.below(3); i > 0; i--) block[random.below(block.length)] = random.below(256);
    const kept = random.oneIn(4) ? random.below(block.length) : block.length;
    return { block: block.subarray(0, kept), rawLength: message.length + (random.oneIn(4) ? random.below(9) : 0) };
  }
  const parts: Buffer[] = [];
  for (let i = random.below(8); i > 0; i--) {
    const literals = random.below(15);
    const offset = random.oneIn(20) ? random.below(65_536) : random.below(40);
    const match = Buffer.from([offset & 0xff, offset >> 8]);
    parts.push(Buffer.from([(literals << 4) | random.below(15)]), random.bytes(literals), match);
  }
  const last = random.below(15);
  parts.push(Buffer.from([last << 4]), random.bytes(last), random.bytes(random.below(30)));
  return { block: Buffer.concat(parts), rawLength: random.oneIn(3) ? 2_000 : random.below(300) };
}

test('B34 the native decoder agrees with a strict one on 20,000 suspect blocks', () => {
  withSeed((random) => {
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const { block, rawLength } = suspectBlock(random);
      const expected = referenceDecode(block, rawLength);
      const compressed = body(1, rawLength, block);
      if (expected === null || expected.length !== rawLength || rawLength > 255 * block.length) {
        refused++;
        assert.is(failure(compressed).code, 'INVALID_ARGUMENT', `accepted: ${compressed.toString('hex')}`);
      } else {
        accepted++;
        assert.ok(
          decompressMessage(compressed, 0, compressed.length, both, messageBytesMax).equals(expected),
          `other bytes: ${compressed.toString('hex')}`,
        );
      }
    }
    assert.ok(accepted > 1_000 && refused > 1_000, `${accepted} accepted, ${refused} refused`);
  });
});

test('B35 a bomb is refused at the limit on messages, with an honest length and with a forged one', () => {
  const limit = 65_536;
  for (const compressor of both) {
    const bomb = compressMessage(compressor, Buffer.alloc(messageBytesMax), 0, messageBytesMax);
    assert.ok(bomb && bomb.length < limit / 3, 'well within what may travel');
    assert.is(failure(bomb, both, limit).code, 'RESOURCE_EXHAUSTED');
    const forged = Buffer.from(bomb);
    forged.writeUInt32LE(limit, 1);
    const error = failure(forged, both, limit);
    assert.is(error.code, 'INVALID_ARGUMENT');
    assert.instance(error.cause, Error, 'the codec itself stopped: it never produced the whole');
  }
});

test.run();
