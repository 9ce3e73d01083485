/** The prefix of a message: what was written is read again, and a frame that ends inside it fails its call alone. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/index.js';
import { Flag } from '../../src/wire/constants.js';
import { DEADLINE_MS_MAX, encodePrefix, readPrefix, writeDurations } from '../../src/wire/prefix.js';

const limits = { metadataBytesMax: 100 };
const metadata = Buffer.from('as it was encoded');

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof RpcError ? error.code : String(error);
  }
  return 'OK';
};

for (const deadlineMs of [-1, 0, 250, DEADLINE_MS_MAX]) {
  for (const withDurations of [false, true]) {
    for (const given of [null, Buffer.alloc(0), metadata]) {
      const title = `deadline ${deadlineMs}, durations ${withDurations}, metadata ${given?.length ?? 'none'}`;
      test(`a prefix is read as it was written: ${title}`, () => {
        const prefix = encodePrefix(deadlineMs, withDurations, given);
        if (prefix.bytes !== null) {
          if (withDurations) writeDurations(prefix.bytes, prefix.durationsAt, 1, 70_000, 0xffff_ffff);
        }
        assert.is(prefix.bytes === null, prefix.flags === 0);
        const bytes = prefix.bytes ?? Buffer.alloc(0);
        const frame = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('message')]);
        const read = readPrefix(prefix.flags, false, frame, 6, frame.length, limits);
        assert.is(read.deadlineMs, deadlineMs);
        const durations = { waitingUs: 1, handlerUs: 70_000, encodingUs: 0xffff_ffff };
        assert.equal(read.durations, withDurations ? durations : null);
        assert.is(frame.toString('utf8', read.end), 'message');
        if (given === null) assert.is(read.metadataStart, -1);
        else assert.equal(frame.subarray(read.metadataStart, read.end), given);
        for (let end = 6; end < 6 + bytes.length; end++) {
          assert.is(
            codeOf(() => readPrefix(prefix.flags, false, frame, 6, end, limits)),
            'INVALID_ARGUMENT',
            `cut at ${end}`,
          );
        }
      });
    }
  }
}

test('the flag LEDGER of a request asks for durations and brings none', () => {
  const frame = Buffer.from('message');
  const read = readPrefix(Flag.LEDGER, true, frame, 0, frame.length, limits);
  assert.equal(read, { deadlineMs: -1, durations: null, metadataStart: -1, end: 0 });
});

test('metadata beyond the limit is refused by its size alone', () => {
  const size = Buffer.from([101, 0, 0, 0]);
  assert.is(
    codeOf(() => readPrefix(Flag.METADATA, false, size, 0, size.length, limits)),
    'RESOURCE_EXHAUSTED',
  );
});

test('a deadline beyond the largest is read as the largest', () => {
  const frame = Buffer.alloc(4, 0xff);
  assert.is(readPrefix(Flag.DEADLINE, true, frame, 0, 4, limits).deadlineMs, DEADLINE_MS_MAX);
});

test.run();
