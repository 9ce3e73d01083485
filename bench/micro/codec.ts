/** The engine's codec and plain avsc on the canonical record, encoding into and decoding from one buffer. */
import avsc from 'avsc';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { type Canonical, canonicalRecord, canonicalSchema, isRight } from '../canonical.js';
import { canonicalMessages, RECORDS } from './messages.js';
import type { MicroTask } from './suite.js';

interface Subject {
  readonly name: string;
  readonly encode: (record: Canonical, into: Buffer, at: number) => number;
  readonly decode: (from: Buffer, start: number, end: number) => Canonical;
}

export function codecTasks(): MicroTask[] {
  const codec = avroCodec<Canonical>(canonicalSchema);
  const type = avsc.Type.forSchema(canonicalSchema as unknown as avsc.Schema);
  const subjects: Subject[] = [
    { name: 'engine', encode: codec.encode.bind(codec), decode: codec.decode.bind(codec) },
    {
      name: 'avsc',
      encode: (record, into, at) => type.encode(record, into, at),
      decode: (from, start) => type.decode(from, start).value as Canonical,
    },
  ];
  return [...subjects.map(encodeTask), ...subjects.map(decodeTask)];
}

function encodeTask({ name, encode }: Subject): MicroTask {
  const expected = canonicalMessages();
  const records = Array.from({ length: RECORDS }, (_, id) => canonicalRecord(id));
  const into = Buffer.alloc(64 * 1024);
  return {
    name: `encode, ${name}`,
    units: RECORDS,
    unit: 'record',
    work() {
      let at = 0;
      for (const record of records) at = encode(record, into, at);
      if (!into.subarray(0, at).equals(expected.buffer)) throw new Error(`${name} encodes something else`);
    },
  };
}

function decodeTask({ name, decode }: Subject): MicroTask {
  const { buffer, ends } = canonicalMessages();
  return {
    name: `decode, ${name}`,
    units: RECORDS,
    unit: 'record',
    work() {
      let start = 0;
      let last: Canonical | null = null;
      let sum = 0;
      for (const end of ends) {
        last = decode(buffer, start, end);
        sum += last.id;
        start = end;
      }
      const right = last !== null && isRight(last, RECORDS - 1) && sum === (RECORDS * (RECORDS - 1)) / 2;
      if (!right) throw new Error(`${name} decodes something else`);
    },
  };
}
