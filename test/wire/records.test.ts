/**
 * The records' readers and writers against Avro itself: avsc with the schemas of `spec/schemas` reads what they write and
 * writes what they read, for random records; and damaged records give a `WireError` and nothing else.
 */
import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CloseCode, type FrameTypeName } from '../../src/wire/constants.js';
import { encodeCancel } from '../../src/wire/records/cancel.js';
import { encodeClose } from '../../src/wire/records/close.js';
import { decodeFailure, encodeFailure, FAILURE_TEXT_BYTES_MAX } from '../../src/wire/records/failure.js';
import { agreedVersion, describeLimitOutOfRange, encodeHello } from '../../src/wire/records/hello.js';
import { encodeSchema, SCHEMA_RECORD_BYTES_MAX, SCHEMA_TEXT_BYTES_MAX } from '../../src/wire/records/schema.js';
import { WireError } from '../../src/wire/wire-error.js';
import { randomRecord, recordNames } from '../support/random-records.js';
import { decodeRecordView, encodeRecordView, helloOfView } from '../support/record-view.js';
import { projectRoot } from '../support/root.js';
import { Random, withSeed } from '../support/seed.js';
import type { RecordView } from '../support/vectors/view.js';

const ROUNDS = 400;
const MUTATIONS = 3_000;

const types = new Map(
  recordNames.map((name) => {
    const path = new URL(`spec/schemas/${name.toLowerCase()}.avsc`, projectRoot);
    return [name, avsc.Type.forSchema(JSON.parse(readFileSync(path, 'utf8')), { wrapUnions: true })] as const;
  }),
);

/** The record as avsc has it: bytes as Buffers, unions wrapped in the name of their branch. */
function avscValue(name: FrameTypeName, view: RecordView): unknown {
  const bytes = (hex: unknown): Buffer => Buffer.from(hex as string, 'hex');
  const branch = (branchName: string, value: unknown): unknown => (value === null ? null : { [branchName]: value });
  const { auth, fingerprint } = view;
  const fingerprints = (field: string): unknown =>
    branch('trunkline.wire.Fingerprint', view[field] === null ? null : bytes(view[field]));
  switch (name) {
    case 'HELLO': {
      const hello = helloOfView(view);
      return { ...hello, auth: branch('trunkline.wire.Auth', auth === null ? null : hello.auth) };
    }
    case 'METHOD':
      return {
        ...view,
        request: fingerprints('request'),
        response: fingerprints('response'),
        errors: fingerprints('errors'),
      };
    case 'SCHEMA':
      return { fingerprint: bytes(fingerprint), schema: branch('string', view.schema) };
    case 'FAILURE':
      return {
        ...view,
        retryAfterMs: branch('int', view.retryAfterMs),
        detail: branch('bytes', view.detail === null ? null : bytes(view.detail)),
      };
    default:
      return view;
  }
}

for (const name of recordNames) {
  const type = types.get(name) as avsc.Type;

  test(`${name}: it is written as avsc writes it with the schema, and reads back equal`, () => {
    withSeed((random) => {
      for (let round = 0; round < ROUNDS; round++) {
        const view = randomRecord(name, random);
        const expected = type.toBuffer(avscValue(name, view));
        assert.is(encodeRecordView(name, view).toString('hex'), expected.toString('hex'));
        const padded = Buffer.concat([Buffer.from([0xff]), expected, Buffer.from([0xff])]);
        assert.equal(decodeRecordView(name, padded, 1, padded.length - 1), view);
      }
    });
  });

  test(`${name}: every truncation and every appended byte is BAD_RECORD`, () => {
    withSeed((random) => {
      for (let round = 0; round < 20; round++) {
        const bytes = encodeRecordView(name, randomRecord(name, random));
        for (let end = 0; end < bytes.length; end++) assertBadRecord(() => decodeRecordView(name, bytes, 0, end));
        const longer = Buffer.concat([bytes, Buffer.from([0])]);
        assertBadRecord(() => decodeRecordView(name, longer, 0, longer.length));
      }
    });
  });

  test(`${name}: a damaged record is read or refused with a WireError, and what is read encodes again`, () => {
    withSeed((random) => {
      let refused = 0;
      for (let round = 0; round < MUTATIONS; round++) refused += surviveMutation(name, random) ? 0 : 1;
      assert.ok(refused > 0, 'no mutation was refused');
    });
  });
}

/** True: the damaged record was read. */
function surviveMutation(name: (typeof recordNames)[number], random: Random): boolean {
  const bytes = encodeRecordView(name, randomRecord(name, random));
  for (let hits = random.below(3); hits >= 0; hits--) bytes[random.below(bytes.length)] = random.below(256);
  let view: RecordView;
  try {
    view = decodeRecordView(name, bytes, 0, bytes.length);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return false;
  }
  const again = encodeRecordView(name, view);
  assert.equal(decodeRecordView(name, again, 0, again.length), view);
  return true;
}

function assertBadRecord(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof WireError && error.code === CloseCode.BAD_RECORD, String(error));
    return;
  }
  assert.unreachable('it was read');
}

test('a text too long for its record is cut between two characters', () => {
  const record = { code: 13, started: 'yes', retryAfterMs: null, elsewhere: false, detail: null } as const;
  for (const character of ['a', 'é', '话', '😀']) {
    const bytes = encodeFailure({ ...record, text: character.repeat(5_000) });
    const { text } = decodeFailure(bytes, 0, bytes.length);
    const width = Buffer.byteLength(character);
    assert.is(text, character.repeat(Math.floor(FAILURE_TEXT_BYTES_MAX / width)));
  }
  assert.ok(encodeCancel({ code: 1, text: '话'.repeat(5_000) }).length < 1_040);
  assert.ok(encodeClose({ code: 1, text: '😀'.repeat(5_000) }).length < 1_040);
});

test('a text with a lone surrogate is sent as U+FFFD', () => {
  const record = { code: 13, started: 'yes', retryAfterMs: null, elsewhere: false, detail: null } as const;
  const bytes = encodeFailure({ ...record, text: 'a\ud800b' });
  assert.is(decodeFailure(bytes, 0, bytes.length).text, 'a\ufffdb');
});

test('the longest schema fits the longest SCHEMA message exactly', () => {
  const record = { fingerprint: Buffer.alloc(32), schema: 'x'.repeat(SCHEMA_TEXT_BYTES_MAX) };
  assert.is(encodeSchema(record).length, SCHEMA_RECORD_BYTES_MAX);
});

test('two sides agree on the highest version that both speak, or on none', () => {
  const speaks = (versionMin: number, versionMax: number) => ({ versionMin, versionMax });
  assert.is(agreedVersion(speaks(1, 1), speaks(1, 1)), 1);
  assert.is(agreedVersion(speaks(1, 3), speaks(2, 5)), 3);
  assert.is(agreedVersion(speaks(2, 5), speaks(1, 3)), 3);
  assert.is(agreedVersion(speaks(1, 1), speaks(2, 3)), 0);
  assert.is(agreedVersion(speaks(4, 9), speaks(1, 3)), 0);
});

test('limits that the protocol does not allow are named before anything is sent', () => {
  const hello = helloOfView(randomRecord('HELLO', new Random(1)));
  assert.is(describeLimitOutOfRange(hello.limits), null);
  const low = { ...hello.limits, frameBytesMax: 16_383 };
  assert.match(describeLimitOutOfRange(low) ?? '', /frameBytesMax is 16383.*16384 to 16777216/);
  assert.throws(() => encodeHello({ ...hello, limits: low }), /frameBytesMax/);
  assert.match(
    describeLimitOutOfRange({ ...hello.limits, messageBytesMax: Number.POSITIVE_INFINITY }) ?? '',
    /messageBytesMax/,
  );
});

test('credentials that do not fit HELLO are an error at the side that sends them', () => {
  const hello = helloOfView(randomRecord('HELLO', new Random(1)));
  const auth = { scheme: 'bearer', credentials: Buffer.alloc(17_000) };
  assert.throws(() => encodeHello({ ...hello, auth }), /HELLO would have|HELLO has \d+ bytes, more than 16384/);
});

test.run();
