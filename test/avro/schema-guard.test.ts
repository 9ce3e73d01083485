/** Schemas from a peer: what is refused, and that nothing refused ever reaches avsc's code generator. */

import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { avroCodec } from '../../src/avro/codec/codec.js';
import { canonicalForm, canonicalOf } from '../../src/avro/schema/canonical.js';
import { parseUntrustedSchema } from '../../src/avro/schema/schema-guard.js';
import { defaultSchemaLimits, type SchemaLimits } from '../../src/avro/schema/schema-limits.js';
import { schemaJsonOf } from '../../src/avro/schema/schema-writer.js';
import type { RpcCode } from '../../src/base/codes.js';
import { RpcError } from '../../src/base/errors.js';
import { type Random, withSeed } from '../support/seed.js';
import { randomSchema } from './random-schema.js';

/** Runs `body` and counts the functions that were made from source text meanwhile, which is how avsc compiles. */
function functionsMade(body: () => void): number {
  const original = globalThis.Function;
  let made = 0;
  globalThis.Function = new Proxy(original, {
    construct(target, args: string[], newTarget): object {
      made++;
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target, receiver, args: string[]): unknown {
      made++;
      return Reflect.apply(target, receiver, args);
    },
  });
  try {
    body();
  } finally {
    globalThis.Function = original;
  }
  return made;
}

/** What a codec does with the text of a SCHEMA frame. */
function acceptAndCompile(text: string, limits?: Partial<SchemaLimits>): avro.Type {
  return avro.Type.forSchema(schemaJsonOf(parseUntrustedSchema(text, limits)) as never);
}

/** The text must be refused, with this code and text, before anything is compiled. */
function refused(text: string, message: RegExp, code: RpcCode = 'INVALID_ARGUMENT'): void {
  let error: unknown;
  const made = functionsMade(() => {
    try {
      acceptAndCompile(text);
    } catch (thrown) {
      error = thrown;
    }
  });
  assert.instance(error, RpcError, `taken or broken by ${String(error)}: ${text.slice(0, 100)}`);
  assert.match((error as RpcError).message, message);
  assert.is((error as RpcError).code, code);
  assert.is(made, 0, 'nothing was compiled');
}

const fields = (list: string): string => `{"name":"R","type":"record","fields":[${list}]}`;
const many = (count: number, part: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => part(i)).join(',');

test('a canonical form is taken and compiles', () => {
  const text = canonicalForm({
    type: 'record',
    name: 'demo.City',
    fields: [
      { name: 'id', type: 'long', doc: 'GeoNames number' },
      { name: 'near', type: { type: 'array', items: 'City' } },
    ],
  });
  const made = functionsMade(() => {
    const type = acceptAndCompile(text);
    assert.is(JSON.stringify(type.schema()), text);
  });
  assert.ok(made > 0, 'the count notices a compilation');
});

test('B47 a schema that is too long is refused, whatever is in it', () => {
  const limit = defaultSchemaLimits.schemaBytesMax;
  const name = (length: number): string => `{"name":"${'a'.repeat(length - 35)}","type":"fixed","size":1}`;
  assert.is(name(limit).length, limit);
  assert.ok(parseUntrustedSchema(name(limit)));
  refused(name(limit + 1), /limit schemaBytesMax is 262144/, 'RESOURCE_EXHAUSTED');
  refused(' '.repeat(1 << 24), /schemaBytesMax/, 'RESOURCE_EXHAUSTED');
  // 2 bytes a character: the length in characters alone would pass.
  refused(`"${'ä'.repeat(140_000)}"`, /schemaBytesMax/, 'RESOURCE_EXHAUSTED');
});

test('B47 a schema that nests 10,000 levels is refused before a parser sees it', () => {
  const deep = (open: string, close: string, levels: number): string =>
    `${open.repeat(levels)}"int"${close.repeat(levels)}`;
  refused(deep('[', ']', 10_000), /limit schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
  refused(deep('{"type":"array","items":', '}', 10_000), /schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
  refused('['.repeat(200_000), /schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
  refused('{"a":'.repeat(50_000), /schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
  // Brackets in strings do not count, and an escaped quote does not end one.
  refused(`"\\"${'['.repeat(1_000)}"`, /is not defined/);
});

test('a schema of 64 levels is taken, of 65 not', () => {
  const arrays = (levels: number): string => `${'{"type":"array","items":'.repeat(levels)}"int"${'}'.repeat(levels)}`;
  assert.ok(parseUntrustedSchema(arrays(64)));
  refused(arrays(65), /schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
  const records = (levels: number): string =>
    Array.from({ length: levels }).reduce<string>(
      (inner, _, i) => `{"name":"R${i}","type":"record","fields":[{"name":"f","type":${inner}}]}`,
      '"int"',
    );
  assert.ok(parseUntrustedSchema(records(64)));
  refused(records(65), /schemaDepthMax is 64/, 'RESOURCE_EXHAUSTED');
});

test('B47 a schema with more than 10,000 parts is refused', () => {
  const symbols = (count: number): string => `{"name":"E","type":"enum","symbols":[${many(count, (i) => `"s${i}"`)}]}`;
  assert.ok(parseUntrustedSchema(symbols(9_999)));
  refused(symbols(10_000), /limit schemaPartsMax is 10000/, 'RESOURCE_EXHAUSTED');
  refused(fields(many(7_500, (i) => `{"name":"f${i}","type":["int"]}`)), /schemaPartsMax/, 'RESOURCE_EXHAUSTED');
  refused(
    `[${many(5_200, (i) => `{"name":"r${i}","type":"record","fields":[]}`)}]`,
    /schemaPartsMax/,
    'RESOURCE_EXHAUSTED',
  );
});

test('B47 a bad name is refused, since avsc would write it into code', () => {
  const named = (name: string): string => `{"name":${JSON.stringify(name)},"type":"record","fields":[]}`;
  const field = (name: string): string => fields(`{"name":${JSON.stringify(name)},"type":"int"}`);
  const symbol = (name: string): string => `{"name":"E","type":"enum","symbols":[${JSON.stringify(name)}]}`;
  const bad = ['', '1a', 'a b', 'a-b', "a');process.exit()//", 'a\n', 'é', 'a\u0000', 'x'.repeat(100).concat('"')];
  for (const name of bad) {
    refused(named(name), /is no legal name for a type/);
    refused(field(name), /is no legal name for a field/);
    refused(symbol(name), /is no legal name for a symbol/);
  }
  for (const name of ['.', '.a', 'a.', 'a..b', 'a.1', 'a.b-c']) {
    refused(named(name), /is no legal name for a type/);
    refused(field(name), /is no legal name for a field/);
  }
  // Names that every JavaScript object inherits are as good as others: no look-up takes them for what is inherited.
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
    for (const text of [named(name), field(name), symbol(name)]) assert.ok(parseUntrustedSchema(text));
  }
  for (const name of ['int', 'a.int', 'a.b.string', 'array', 'map']) refused(named(name), /is a name of Avro's own/);
  for (const name of ['record', 'error', 'a.map', 'union']) assert.ok(parseUntrustedSchema(named(name)));
  refused('{"name":5,"type":"fixed","size":1}', /5 is no legal name/);
  refused('{"type":"fixed","size":1}', /is no legal name/);
});

test('an error text quotes no more than a piece of what the peer sent', () => {
  try {
    parseUntrustedSchema(`{"name":"${'a-'.repeat(50_000)}","type":"fixed","size":1}`);
    assert.unreachable();
  } catch (error) {
    assert.ok((error as Error).message.length < 200);
  }
});

test('B47 duplicates are refused: types, fields, symbols, branches and keys', () => {
  const fixed = '{"name":"F","type":"fixed","size":1}';
  refused(fields(`{"name":"a","type":${fixed}},{"name":"b","type":${fixed}}`), /R\.b: the name "F" is defined twice/);
  refused(fields('{"name":"a","type":{"name":"R","type":"fixed","size":1}}'), /"R" is defined twice/);
  refused(fields('{"name":"a","type":"int"},{"name":"a","type":"int"}'), /R\.a: two fields of a record have this name/);
  refused('{"name":"E","type":"enum","symbols":["A","B","A"]}', /the enum E has a symbol twice/);
  refused('["int","string","int"]', /the union has the branch int twice/);
  refused('[{"type":"array","items":"int"},{"type":"array","items":"long"}]', /branch array twice/);
  refused(`[${fixed},"F"]`, /branch F twice/);
  refused('{"name":"F","type":"fixed","size":1,"size":2}', /not in canonical form/);
  refused('{"name":"A","name":"F","type":"fixed","size":1}', /not in canonical form/);
});

test('B47 references to nothing, unions in unions and impossible sizes are refused', () => {
  refused('"Nothing"', /the name "Nothing" is not defined/);
  refused(
    fields('{"name":"a","type":"Later"},{"name":"b","type":{"name":"Later","type":"fixed","size":1}}'),
    /"Later" is not/,
  );
  refused('"toString"', /is not defined/);
  refused('{"type":"array","items":"__proto__"}', /is not defined/);
  refused('["int",["string"]]', /a union may not contain a union/);
  refused('[]', /a union needs a branch/);
  refused('{"name":"E","type":"enum","symbols":[]}', /at least one symbol/);
  refused('{"name":"F","type":"fixed","size":2147483647}', /fixedBytesMax is 16777216/, 'RESOURCE_EXHAUSTED');
  for (const size of ['-1', '1.5', '"1"', 'null', '1e400', '{}']) {
    refused(`{"name":"F","type":"fixed","size":${size}}`, /is no size|canonical/);
  }
  refused('{"type":"map"}', /a map needs values/);
  refused('{"name":"R","type":"record"}', /array of fields/);
});

test('B47 what is not in canonical form is refused, even if it means the same', () => {
  const variants = [
    ' "int"',
    '"\\u0069nt"',
    '{"type":"int"}',
    '{"type":"fixed","name":"F","size":1}',
    '{"name":"F","type":"fixed","size":1.0}',
    '{"name":"F","type":"fixed","size":1,"doc":"x"}',
    '{"name":"F","type":"fixed","size":1,"__proto__":{"a":1}}',
    '{"__proto__":{"name":"F"},"name":"F","type":"fixed","size":1}',
    '{"name":"R","type":"error","fields":[]}',
    fields('{"name":"a","type":"int","default":1}'),
    fields('{"name":"a","type":"int","aliases":["b"]}'),
    fields('{"name":"a","type":{"logicalType":"timestamp-millis","type":"long"}}'),
    fields('{"name":"a","type":{"type":"int","logicalType":"timestamp-millis"}}'),
    fields('{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":4}}'),
  ];
  for (const text of variants) refused(text, /not in canonical form/);
  refused('{"name":"F","namespace":"a","type":"fixed","size":1}', /not in canonical form/);
  refused('{"name"', /no JSON/);
  refused('', /no JSON/);
  refused('null', /is no schema/);
  refused('5', /is no schema/);
});

test('B47 a codec that is given a schema it must refuse grades it as breaking and makes no function', () => {
  const codec = avroCodec({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'long', default: 0 }] });
  const bad = [
    fields(`{"name":"a","type":"int"},{"name":"a","type":"int"}`),
    fields('{"name":"a);process.exit(","type":"int"}'),
    `${'['.repeat(10_000)}"int"${']'.repeat(10_000)}`,
    'x'.repeat(1 << 20),
    '{"name":"R"',
  ];
  for (const text of bad) {
    const made = functionsMade(() => {
      const { grade, codec: none, reason } = codec.resolveWriter(text);
      assert.is(grade, 'breaking');
      assert.is(none, null);
      assert.ok(reason.length > 0 && reason.length < 300, reason);
      assert.is(codec.gradeReader(text).grade, 'breaking');
    });
    assert.is(made, 0);
  }
  const made = functionsMade(() =>
    assert.is(codec.resolveWriter(fields('{"name":"a","type":"int"}')).grade, 'compatible'),
  );
  assert.ok(made > 0, 'the count notices a compilation');
});

test('the limits can be set, and then bind', () => {
  const text = canonicalForm({ type: 'fixed', name: 'F', size: 16 });
  const limits = { schemaBytesMax: text.length, schemaDepthMax: 0, schemaPartsMax: 1, fixedBytesMax: 16 };
  assert.is(canonicalOf(parseUntrustedSchema(text, limits)), text);
  for (const name of ['schemaBytesMax', 'fixedBytesMax', 'schemaPartsMax'] as const) {
    const lower = { ...limits, [name]: limits[name] - 1 };
    assert.throws(() => parseUntrustedSchema(text, lower), new RegExp(`limit ${name} is ${lower[name]}`));
  }
});

test('whatever is taken, avsc compiles, and says the same of it', () => {
  withSeed((random) => {
    let taken = 0;
    for (let i = 0; i < 3_000; i++) {
      const text = mutated(random, canonicalForm(randomSchema(random, { errors: false })));
      try {
        const node = parseUntrustedSchema(text);
        assert.is(JSON.stringify(avro.Type.forSchema(schemaJsonOf(node) as never).schema()), text);
        taken++;
      } catch (error) {
        assert.instance(error, RpcError, text);
      }
    }
    assert.ok(taken > 100, `${taken} taken`);
  });
});

/** Up to three small changes: other characters, other words, pieces left out or repeated. */
function mutated(random: Random, text: string): string {
  const words = [
    '"int"',
    '"null"',
    '"name"',
    '"type"',
    '[]',
    '{}',
    ',',
    '"T0"',
    '"x.T1"',
    '"union"',
    '"error"',
    '0',
    '\\',
    '"',
  ];
  let result = text;
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(result.length);
    const end = Math.min(result.length, at + random.below(12));
    const piece = random.pick([
      random.pick(words),
      result.slice(at, end),
      '',
      String.fromCharCode(random.between(32, 126)),
    ]);
    result = result.slice(0, at) + piece + result.slice(random.oneIn(2) ? at : end);
  }
  return result;
}

test.run();
