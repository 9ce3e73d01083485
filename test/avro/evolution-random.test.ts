/**
 * Random schemas and other versions of them: the grade says what reading shows. Three readers of the same bytes have to agree: avsc's
 * resolver, this project's codec, and a translation of values written down here without regard to either.
 */
import { isDeepStrictEqual } from 'node:util';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { canonicalOf } from '../../src/avro/schema/canonical.js';
import { gradeNodes } from '../../src/avro/schema/evolution.js';
import type { NamedNode, RecordNode, SchemaNode, UnionNode } from '../../src/avro/schema/schema.js';
import { isNamed, unqualified } from '../../src/avro/schema/schema.js';
import { parseUntrustedSchema } from '../../src/avro/schema/schema-guard.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import { schemaJsonOf } from '../../src/avro/schema/schema-writer.js';
import { type Random, withSeed } from '../support/seed.js';
import { createResolver, unionTypeHook } from './avsc-unions.js';
import { evolvedSchema } from './evolved-schema.js';
import { randomSchema, randomValue } from './random-schema.js';

const PAIRS = 500;
const VALUES = 8;

interface Versions {
  readonly reader: SchemaNode;
  /** As a peer has it: from its canonical form. */
  readonly writer: SchemaNode;
}

function randomVersions(random: Random): Versions {
  const first = randomSchema(random, { attributes: true });
  const second = evolvedSchema(random, first);
  const [reader, writer] = random.oneIn(2) ? [first, second] : [second, first];
  return { reader: parseSchema(reader), writer: parseUntrustedSchema(canonicalOf(parseSchema(writer))) };
}

type Wrap = 'always' | 'auto';

function avscType(node: SchemaNode, wrapUnions: Wrap): avro.Type {
  return avro.Type.forSchema(schemaJsonOf(node) as never, { wrapUnions, typeHook: unionTypeHook as never });
}

/** Records, maps without prototype and typed buffers all compare by what they hold. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

class Unreadable extends Error {}

/** What a reader sees of a writer's value; every value of a union is wrapped. Throws `Unreadable`. */
function translated(value: unknown, writer: SchemaNode, reader: SchemaNode): unknown {
  if (writer.kind === 'union') {
    const [branch, inner] = unwrapped(value, writer);
    return translated(inner, branch, reader);
  }
  if (reader.kind === 'union') return intoUnion(value, writer, reader);
  if (reader.kind !== writer.kind) return promoted(value, writer.kind, reader.kind);
  if (isNamed(reader) && !sameName(reader, writer as NamedNode)) throw new Unreadable('name');
  switch (reader.kind) {
    case 'array':
      return (value as unknown[]).map((item) => translated(item, (writer as typeof reader).items, reader.items));
    case 'map': {
      const { values } = writer as typeof reader;
      return Object.fromEntries(
        Object.entries(value as object).map(([key, one]) => [key, translated(one, values, reader.values)]),
      );
    }
    case 'enum':
      if (reader.symbols.includes(value as string)) return value;
      if (reader.default === undefined) throw new Unreadable('symbol');
      return reader.default;
    case 'fixed':
      if (reader.size !== (writer as typeof reader).size) throw new Unreadable('size');
      return value;
    case 'record':
      return translatedRecord(value as Record<string, unknown>, writer as RecordNode, reader);
    default:
      return value;
  }
}

function translatedRecord(value: Record<string, unknown>, writer: RecordNode, reader: RecordNode): unknown {
  const entries = reader.fields.map(({ name, aliases, hasDefault, attributes, type }) => {
    const sources = writer.fields.filter((field) => field.name === name || aliases.includes(field.name));
    const [source] = sources;
    if (sources.length > 1) throw new Unreadable('two fields');
    if (source !== undefined) return [name, translated(value[source.name], source.type, type)];
    if (!hasDefault) throw new Unreadable('no default');
    return [name, preset(attributes['default'], type)];
  });
  return Object.fromEntries(entries);
}

function intoUnion(value: unknown, writer: SchemaNode, reader: UnionNode): unknown {
  const sameKind = reader.branches.filter((branch) => branch.kind === writer.kind);
  const exact = sameKind.filter((branch) => !isNamed(branch) || branch.name === (writer as NamedNode).name);
  const named = sameKind.filter((branch) => isNamed(branch) && sameName(branch, writer as NamedNode));
  for (const branch of exact.length > 0 ? exact : [...named, ...reader.branches]) {
    try {
      const inner = translated(value, writer, branch);
      return inner === null ? null : { [isNamed(branch) ? branch.name : branch.kind]: inner };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }
  throw new Unreadable('no branch');
}

function unwrapped(value: unknown, union: UnionNode): [SchemaNode, unknown] {
  const label = value === null ? 'null' : Object.keys(value as object)[0];
  const branch = union.branches.find((one) => (isNamed(one) ? one.name : one.kind) === label);
  assert.ok(branch !== undefined);
  return [branch, value === null ? null : Object.values(value as object)[0]];
}

function promoted(value: unknown, from: string, to: string): unknown {
  const numbers = ['int', 'long', 'float', 'double'];
  if (numbers.includes(from) && numbers.indexOf(to) > numbers.indexOf(from)) return value;
  if (from === 'string' && to === 'bytes') return Buffer.from(value as string);
  if (from === 'bytes' && to === 'string') return (value as Buffer).toString();
  throw new Unreadable(`${from} as ${to}`);
}

function sameName(reader: NamedNode, writer: NamedNode): boolean {
  return [reader.name, ...reader.aliases].map(unqualified).includes(unqualified(writer.name));
}

function preset(json: unknown, type: SchemaNode): unknown {
  if (type.kind === 'bytes') return Buffer.from(json as string, 'latin1');
  const branch = type.kind === 'union' ? type.branches[0] : undefined;
  if (branch === undefined || json === null) return json;
  return { [isNamed(branch) ? branch.name : branch.kind]: preset(json, branch) };
}

test('what is graded compatible, all read alike; what is graded breaking, avsc cannot resolve', () => {
  withSeed((random) => {
    const seen = { identical: 0, compatible: 0, breaking: 0 };
    for (let i = 0; i < PAIRS; i++) {
      const { reader, writer } = randomVersions(random);
      const { grade, path, reason } = gradeNodes(reader, writer);
      seen[grade]++;
      const about = `${grade} ${path}: ${reason}\nreader ${JSON.stringify(schemaJsonOf(reader))}\nwriter ${canonicalOf(writer)}`;
      if (grade === 'breaking') {
        assert.ok(path !== '' && reason !== '', about);
        assert.throws(() => createResolver(avscType(reader, 'always'), avscType(writer, 'always')), undefined, about);
      } else allRead(random, reader, writer, about);
    }
    assert.ok(Math.min(seen.identical, seen.compatible, seen.breaking) > PAIRS / 50, JSON.stringify(seen));
  });
});

/** All numbers in a value as floats. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Math.fround(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, rounded(part)]));
}

function allRead(random: Random, reader: SchemaNode, writer: SchemaNode, about: string): void {
  const wrapped = avscType(reader, 'always');
  const bare = avscType(reader, 'auto');
  const writing = avscType(writer, 'always');
  const intoWrapped = createResolver(wrapped, writing);
  const intoBare = createResolver(bare, writing);
  const resolution = avroCodec(schemaJsonOf(reader)).resolveWriter(canonicalOf(writer));
  assert.ok(resolution.codec !== null, about);
  // Reading an integer as a float, avsc keeps digits that no float has.
  const rounds = about.includes('"float"');
  for (let i = 0; i < VALUES; i++) {
    const value = randomValue(random, writer);
    const bytes = writing.toBuffer(value);
    assert.equal(plain(wrapped.fromBuffer(bytes, intoWrapped)), plain(translated(value, writer, reader)), about);
    const read = resolution.codec.decode(bytes, 0, bytes.length);
    const expected = bare.fromBuffer(bytes, intoBare);
    assert.equal(
      rounds ? rounded(plain(read)) : plain(read),
      rounds ? rounded(plain(expected)) : plain(expected),
      about,
    );
  }
}

test('a grade of breaking has a value that shows it, unless the place is never reached', () => {
  withSeed((random) => {
    let shown = 0;
    let breaking = 0;
    for (let i = 0; i < PAIRS; i++) {
      const { reader, writer } = randomVersions(random);
      if (gradeNodes(reader, writer).grade !== 'breaking') continue;
      breaking++;
      if (Array.from({ length: 30 }).some(() => !readable(randomValue(random, writer), writer, reader))) shown++;
    }
    // What is left are arrays of types that have no finite value and the like.
    assert.ok(shown > breaking * 0.75, `${shown} of ${breaking}`);
  });
});

test('a reader that is known in canonical form only is never found breaking without need', () => {
  withSeed((random) => {
    let mended = 0;
    for (let i = 0; i < PAIRS; i++) {
      const { reader, writer } = randomVersions(random);
      const seen = parseUntrustedSchema(canonicalOf(reader));
      const guess = gradeNodes(seen, writer, { readerIsCanonical: true }).grade;
      const { grade } = gradeNodes(reader, writer);
      if (guess === 'breaking')
        assert.is(grade, 'breaking', `${JSON.stringify(schemaJsonOf(reader))} ${canonicalOf(writer)}`);
      if (grade === 'compatible' && gradeNodes(seen, writer).grade === 'breaking') mended++;
    }
    assert.ok(mended > 0, `${mended} need what the canonical form does not show`);
  });
});

function readable(value: unknown, writer: SchemaNode, reader: SchemaNode): boolean {
  try {
    return !isDeepStrictEqual(translated(value, writer, reader), undefined);
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
}

test.run();
