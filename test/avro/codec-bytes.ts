/** Avro messages put together by hand, right ones and wrong ones, and the ways in which a codec can meet them. */
import * as assert from 'uvu/assert';
import { type AvroOptions, avroCodec } from '../../src/avro/codec/codec.js';
import { canonicalForm } from '../../src/avro/schema/canonical.js';
import type { RpcCode } from '../../src/base/codes.js';
import { RpcError } from '../../src/base/errors.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';

/** A long as Avro writes it: zigzag, then seven bits a byte. */
export function long(value: number | bigint): Buffer {
  return varint(BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n)));
}

/** Seven bits a byte, the lowest first. */
export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([long(bytes.length), bytes]);
}

export function join(...parts: readonly (Buffer | number)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
}

export function encodeWith(codec: MessageCodec, value: unknown): Buffer {
  const bytes = Buffer.alloc(1 << 16);
  const end = codec.encode(value, bytes, 0);
  assert.ok(end >= 0, 'it fits');
  return Buffer.from(bytes.subarray(0, end));
}

/** Decodes in the middle of a buffer whose other bytes would be read as almost anything. */
export function decodeWith(codec: MessageCodec, message: Buffer): unknown {
  const around = Buffer.alloc(16, 2);
  return codec.decode(Buffer.concat([around, message, around]), 16, 16 + message.length);
}

/** The codec that resolves what `writer` describes. */
export function resolving(reader: unknown, writer: unknown, options?: AvroOptions): MessageCodec {
  const resolution = avroCodec(reader, options).resolveWriter(avroCodec(writer).schemaText);
  assert.is(`${resolution.grade} ${resolution.path} ${resolution.reason}`, 'compatible  ');
  return resolution.codec as MessageCodec;
}

/** A reader that skips everything of `schema`. */
export function skipping(schema: unknown): MessageCodec {
  const holder = (fields: unknown[]): object => ({ type: 'record', name: 'holder.Holder', fields });
  const writer = holder([{ name: 'value', type: schema }]);
  const { codec, reason } = avroCodec(holder([])).resolveWriter(canonicalForm(writer));
  assert.ok(codec !== null, reason);
  return codec;
}

const first = { name: 'first', type: 'int' };
const last = { name: 'last', type: 'string' };

/** A field of `type` between two others, as a reader can meet it. `decode` takes the field's bytes. */
export interface Meeting {
  readonly how: 'read' | 'resolved' | 'skipped';
  readonly decode: (field: Buffer) => unknown;
}

export function meetings(type: unknown, options?: AvroOptions): readonly Meeting[] {
  const record = (...fields: readonly object[]): object => ({ type: 'record', name: 'Message', fields });
  const writer = record(first, { name: 'field', type }, last);
  const more = { name: 'more', type: 'int', default: 3 };
  const message = (field: Buffer): Buffer => join(long(7), field, text('the end'));
  const meeting = (how: Meeting['how'], codec: MessageCodec): Meeting => ({
    how,
    decode: (field) => decodeWith(codec, message(field)),
  });
  return [
    meeting('read', avroCodec(writer, options)),
    meeting('resolved', resolving(record(more, first, { name: 'field', type }, last), writer, options)),
    meeting('skipped', resolving(record(first, last), writer, options)),
  ];
}

/** Every way to meet `field` ends in a clean error that matches `expected`. */
export function assertRefused(type: unknown, field: Buffer, expected: RegExp, options?: AvroOptions): void {
  for (const { how, decode } of meetings(type, options)) {
    assert.throws(() => decode(field), refusal(expected), `${JSON.stringify(type)} ${how}`);
  }
}

/** Every way to meet `field` gives `value`, and what stands around it; so does a message that is nothing else. */
export function assertTaken(type: unknown, field: Buffer, value: unknown, options?: AvroOptions): void {
  assert.equal(decodeWith(avroCodec(type, options), field), value);
  for (const { how, decode } of meetings(type, options)) {
    const found = decode(field) as Record<string, unknown>;
    assert.is(found['first'], 7, how);
    assert.is(found['last'], 'the end', how);
    if (how !== 'skipped') assert.equal(found['field'], value, how);
  }
}

/** A predicate for `assert.throws`: an error of the message, with its text and the byte. */
export function refusal(expected: RegExp, code: RpcCode = 'INVALID_ARGUMENT'): (error: unknown) => boolean {
  return (error) => {
    assert.instance(error, RpcError, String(error));
    assert.is((error as RpcError).code, code);
    assert.match((error as RpcError).message, expected);
    assert.match((error as RpcError).message, /^cannot read \w+: .*, at byte \d+ of \d+$/s);
    return true;
  };
}

/** The float nearest to an integer, by comparing exact distances; of two as near, the one with an even last bit. */
export function nearestFloat(value: bigint): number {
  if (BigInt.asIntN(25, value) === value) return Number(value);
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, Number(value));
  const bits = view.getInt32(0);
  const near = [bits - 1, bits, bits + 1].map((candidate) => {
    view.setInt32(0, candidate);
    const float = view.getFloat32(0);
    const away = BigInt(float) - value;
    return { float, odd: candidate & 1, distance: away < 0n ? -away : away };
  });
  near.sort((a, b) => (a.distance === b.distance ? a.odd - b.odd : a.distance < b.distance ? -1 : 1));
  return near[0].float;
}
