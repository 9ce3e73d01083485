/**
 * Generated and interpreted codecs side by side: for random schemas, values and messages, right ones and wrong ones, both give the same
 * bytes, the same values and the same errors at the same place.
 */
import { isDeepStrictEqual } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AvroOptions, CompiledSchema, interpreted } from '../../../src/avro/codec/compile.js';
import { canGenerate } from '../../../src/avro/encoding/generate.js';
import { ReadTap } from '../../../src/avro/encoding/read-tap.js';
import type { Read, Write } from '../../../src/avro/encoding/shapes.js';
import { mismatch, WriteTap } from '../../../src/avro/encoding/write-tap.js';
import { canonicalOf } from '../../../src/avro/schema/canonical.js';
import { gradeNodes } from '../../../src/avro/schema/evolution.js';
import type { SchemaNode } from '../../../src/avro/schema/schema.js';
import { parseUntrustedSchema } from '../../../src/avro/schema/schema-guard.js';
import { parseSchema } from '../../../src/avro/schema/schema-parser.js';
import { type Random, withSeed } from '../../support/seed.js';
import { damaged, edgeValue, scattered } from '../codec-values.js';
import { evolvedSchema } from '../evolved-schema.js';
import { randomSchema } from '../random-schema.js';

const SCHEMAS = 200;
const VALUES = 20;

const settings: readonly AvroOptions[] = [
  {},
  { longs: 'bigint' },
  { logicalTypes: 'standard' },
  { depthMax: 2, emptyItemsMax: 2 },
];

interface Twins<F> {
  readonly generated: F;
  readonly interpreted: F;
}

test('A7 generated and interpreted codecs give the same bytes, values and errors', () => {
  assert.ok(canGenerate, 'there is something to compare with');
  withSeed((random) => {
    const seen = { written: 0, refused: 0, read: 0, unreadable: 0, resolved: 0 };
    for (let i = 0; i < SCHEMAS; i++) compareOne(random, seen);
    const least = (SCHEMAS * VALUES) / 20;
    assert.ok(
      Object.values(seen).every((count) => count > least),
      JSON.stringify(seen),
    );
  });
});

function compareOne(random: Random, seen: Record<string, number>): void {
  const schema = randomSchema(random, { attributes: true });
  const node = parseSchema(schema);
  const options = random.pick(settings);
  const twins = twinsOf(node, options);
  const write = both(twins, (compiled) => compiled.writer());
  const read = both(twins, (compiled) => compiled.reader());
  const other = parseUntrustedSchema(canonicalOf(parseSchema(evolvedSchema(random, schema))));
  const resolves = gradeNodes(node, other).grade !== 'breaking';
  const resolve = resolves ? resolving(twins, other) : null;
  for (let i = 0; i < VALUES; i++) {
    const message = scattered(random, node, edgeValue(random, node));
    const { value } = readOutcome(read.generated, message);
    const wrong = random.oneIn(2) ? spoilt(random, value) : value;
    seen[compare(writeOutcome, write, wrong, node) ? 'written' : 'refused']++;
    seen[
      compare(readOutcome, read, random.oneIn(2) ? message : damaged(random, message), node) ? 'read' : 'unreadable'
    ]++;
    if (resolve === null) continue;
    const sent = scattered(random, other, edgeValue(random, other));
    compare(readOutcome, resolve, random.oneIn(2) ? sent : damaged(random, sent), other);
    seen['resolved']++;
  }
}

function twinsOf(node: SchemaNode, options: AvroOptions): Twins<CompiledSchema> {
  return { generated: new CompiledSchema(node, options), interpreted: new CompiledSchema(node, options, interpreted) };
}

function both<From, To>(twins: Twins<From>, make: (one: From) => To): Twins<To> {
  return { generated: make(twins.generated), interpreted: make(twins.interpreted) };
}

/** Null where the schemas are compatible, and a logical type refuses the pair. */
function resolving(twins: Twins<CompiledSchema>, writer: SchemaNode): Twins<Read> | null {
  const attempts = both(twins, (compiled) => {
    try {
      return { read: compiled.resolvingReader(writer), text: '' };
    } catch (error) {
      return { read: null, text: String(error) };
    }
  });
  assert.is(attempts.interpreted.text, attempts.generated.text);
  const { generated, interpreted: closures } = both(attempts, ({ read }) => read);
  return generated === null || closures === null ? null : { generated, interpreted: closures };
}

interface Outcome {
  readonly value: unknown;
  readonly error: string;
  /** Where it ended or was refused. */
  readonly at: number;
}

/** Whether both worked. */
function compare<F, V>(run: (f: F, value: V) => Outcome, twins: Twins<F>, value: V, node: SchemaNode): boolean {
  const { generated, interpreted: closures } = both(twins, (f) => run(f, value));
  if (!isDeepStrictEqual(closures, generated)) {
    assert.equal(closures, generated, canonicalOf(node));
    assert.unreachable(canonicalOf(node));
  }
  return generated.error === '';
}

function writeOutcome(write: Write, value: unknown): Outcome {
  const tap = new WriteTap();
  const bytes = Buffer.alloc(4096);
  tap.begin(bytes, 0);
  let error = '';
  try {
    write(tap, value);
  } catch (thrown) {
    error = thrown === mismatch ? 'mismatch' : String(thrown);
  }
  return { value: Buffer.from(bytes.subarray(0, Math.min(tap.pos, bytes.length))), error, at: tap.pos };
}

function readOutcome(read: Read, message: Buffer): Outcome {
  const tap = new ReadTap();
  tap.begin(message, 0, message.length);
  try {
    return { value: read(tap), error: '', at: tap.pos };
  } catch (error) {
    return { value: undefined, error: `${String(error)} ${JSON.stringify(tap.refusal)}`, at: tap.pos };
  }
}

const strange: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 1.5,
  () => Number.NaN,
  () => '',
  () => '\ud800',
  () => 1n,
  () => 2n ** 70n,
  () => Symbol('x'),
  () => () => 1,
  () => [],
  () => [undefined],
  () => ({}),
  () => ({ more: 1 }),
  () => Buffer.from('x'),
  () => new Map([['a', 1]]),
  () => new Date(0),
  () => Promise.resolve({}),
];

/** A value with one part of it replaced, added or removed. */
function spoilt(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || random.oneIn(4)) {
    return random.pick(strange)();
  }
  if (Array.isArray(value)) {
    const items: unknown[] = [...value];
    if (items.length === 0) return [random.pick(strange)()];
    const at = random.below(items.length);
    items[at] = spoilt(random, items[at]);
    return items;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random.oneIn(6)) return Object.fromEntries([...entries, ['more', 1]]);
  const at = random.below(entries.length);
  if (random.oneIn(4)) entries.splice(at, 1);
  else entries[at] = [entries[at][0], spoilt(random, entries[at][1])];
  return Object.fromEntries(entries);
}

test.run();
