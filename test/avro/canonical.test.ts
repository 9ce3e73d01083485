/** The canonical form and the fingerprints: Apache's own cases, avsc's opinion on random schemas, and what both leave open. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalForm, fingerprintOf } from '../../src/avro/schema/canonical.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import { schemaJsonOf } from '../../src/avro/schema/schema-writer.js';
import { RpcError } from '../../src/base/errors.js';
import { withSeed } from '../support/seed.js';
import { avroData } from './avro-data.js';
import { randomSchema } from './random-schema.js';

interface Case {
  readonly input: string;
  readonly canonical: string;
  readonly fingerprint: bigint | undefined;
}

/** `<<INPUT json` on one line, or `<<INPUT` ... `INPUT` over several. */
function apacheCases(): Case[] {
  const text = readFileSync(avroData('data/schema-tests.txt'), 'utf8');
  const pattern =
    /^<<INPUT(?:[ \t]+(?<line>.+)|\n(?<block>[\s\S]*?)\nINPUT)\n<<canonical (?<canonical>.+)(?:\n<<fingerprint (?<print>-?\d+))?/gm;
  return [...text.matchAll(pattern)].map(({ groups = {} }) => ({
    input: groups['line'] ?? groups['block'],
    canonical: groups['canonical'],
    fingerprint: groups['print'] === undefined ? undefined : BigInt(groups['print']),
  }));
}

/** CRC-64-AVRO, the way the specification states it. */
function crc64Avro(text: string): bigint {
  const empty = 0xc15d213aa4d7a795n;
  const table = Array.from({ length: 256 }, (_, byte) => {
    let fingerprint = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) fingerprint = (fingerprint >> 1n) ^ ((fingerprint & 1n) === 1n ? empty : 0n);
    return fingerprint;
  });
  let fingerprint = empty;
  for (const byte of Buffer.from(text)) {
    fingerprint = (fingerprint >> 8n) ^ table[Number((fingerprint ^ BigInt(byte)) & 0xffn)];
  }
  return BigInt.asIntN(64, fingerprint);
}

test('every case of Apache has its canonical form and its CRC-64 fingerprint', () => {
  const cases = apacheCases();
  assert.is(cases.length, 34);
  assert.is(cases.filter((one) => one.fingerprint !== undefined).length, 26);
  for (const { input, canonical, fingerprint } of cases) {
    const form = canonicalForm(JSON.parse(input));
    assert.is(form, canonical);
    if (fingerprint !== undefined) assert.is(crc64Avro(form), fingerprint, input);
  }
});

test('random schemas have the canonical form that avsc gives them', () => {
  withSeed((random) => {
    for (let i = 0; i < 300; i++) {
      const schema = randomSchema(random, { errors: false });
      assert.is(canonicalForm(schema), JSON.stringify(avro.Type.forSchema(schema as never).schema()));
    }
  });
});

test('a canonical form is its own canonical form', () => {
  withSeed((random) => {
    for (let i = 0; i < 300; i++) {
      const form = canonicalForm(randomSchema(random, {}));
      assert.is(canonicalForm(JSON.parse(form), { canonical: true }), form);
    }
  });
});

test('an error is written as a record, as Java does it', () => {
  const error = { type: 'error', name: 'a.E', fields: [{ name: 'text', type: 'string' }] };
  assert.is(canonicalForm(error), '{"name":"a.E","type":"record","fields":[{"name":"text","type":"string"}]}');
});

test('logical types, defaults, order, docs and unknown attributes leave no trace', () => {
  const schema = {
    type: 'record',
    name: 'R',
    doc: 'x',
    fields: [
      { name: 'when', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0, order: 'ignore' },
      { name: 'id', type: { type: 'fixed', name: 'Id', size: 16, logicalType: 'uuid' }, aliases: ['key'] },
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A'], default: 'A' }, custom: { a: 1 } },
    ],
  };
  assert.is(
    canonicalForm(schema),
    '{"name":"R","type":"record","fields":[{"name":"when","type":"long"},{"name":"id","type":{"name":"Id","type":"fixed",' +
      '"size":16}},{"name":"kind","type":{"name":"Kind","type":"enum","symbols":["A"]}}]}',
  );
});

test('names get the namespace they stand in, and a name without one stays without', () => {
  const inner = { type: 'record', name: 'Inner', fields: [{ name: 'up', type: ['null', 'Outer'] }] };
  const bare = { type: 'fixed', name: 'Bare', namespace: '', size: 2 };
  const schema = {
    type: 'record',
    name: 'Outer',
    namespace: 'a.b',
    fields: [
      { name: 'inner', type: inner },
      { name: 'bare', type: bare },
      { name: 'again', type: '.Bare' },
    ],
  };
  const form =
    '{"name":"a.b.Outer","type":"record","fields":[{"name":"inner","type":{"name":"a.b.Inner","type":"record","fields":' +
    '[{"name":"up","type":["null","a.b.Outer"]}]}},{"name":"bare","type":{"name":"Bare","type":"fixed","size":2}},' +
    '{"name":"again","type":"Bare"}]}';
  assert.is(canonicalForm(schema), form);
  // Read as ordinary JSON, `Bare` would be in `a.b`; what the writer makes of the form keeps it out, for avsc too.
  const json = schemaJsonOf(parseSchema(JSON.parse(form), { canonical: true }));
  assert.is(canonicalForm(json), form);
  assert.is(JSON.stringify(avro.Type.forSchema(json as never).schema()), form);
});

test('the JSON written for a schema keeps its attributes and compiles to the same canonical form', () => {
  withSeed((random) => {
    for (let i = 0; i < 200; i++) {
      const schema = randomSchema(random, { attributes: true });
      const json = schemaJsonOf(parseSchema(schema));
      assert.is(canonicalForm(json), canonicalForm(schema));
      const attributes = { exportAttrs: true };
      assert.equal(
        avro.Type.forSchema(json as never).schema(attributes),
        avro.Type.forSchema(schema as never).schema(attributes),
      );
    }
  });
});

test('the fingerprint is SHA-256 over the UTF-8 bytes', () => {
  assert.equal(fingerprintOf('"int"'), createHash('sha256').update('"int"').digest());
  assert.is(fingerprintOf('"int"').toString('hex'), '3f2b87a9fe7cc9b13835598c3981cd45e3e355309e5090aa0933d7becb6fba45');
});

test('what is no schema is an error that names the place', () => {
  const record = (fields: unknown): unknown => ({ type: 'record', name: 'City', fields });
  const refusals: [unknown, RegExp][] = [
    [null, /null is no schema/],
    [5, /5 is no schema/],
    ['Unknown', /"Unknown" is not defined/],
    [{}, /needs a type/],
    [record('x'), /City: a record needs an array of fields/],
    [record([{ name: 'a' }]), /City\.a: a field needs a type/],
    [record([{ name: 'a', type: { type: 'array' } }]), /City\.a: an array needs items/],
    [record([{ name: 'a', type: { type: 'array', items: 'X' } }]), /City\.a\[\]: the name "X" is not defined/],
    [record([{ name: 'a', type: { type: 'map', values: 'X' } }]), /City\.a\{\}: the name "X" is not defined/],
    [record([{ name: 'a b', type: 'int' }]), /City: "a b" is no legal name for a field/],
    [{ type: 'enum', name: 'E', symbols: ['A'], default: 'B' }, /the default "B" is no symbol/],
    [{ type: 'record', name: 'a.string', fields: [] }, /"a.string" is a name of Avro's own/],
  ];
  for (const [schema, text] of refusals) {
    try {
      canonicalForm(schema);
      assert.unreachable(`${JSON.stringify(schema)} was taken`);
    } catch (error) {
      assert.instance(error, RpcError);
      assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
      assert.match((error as RpcError).message, text);
    }
  }
});

test('a JavaScript object that contains itself is an error, not an endless loop', () => {
  const loop: { type: string; items?: unknown } = { type: 'array' };
  loop.items = loop;
  assert.throws(() => canonicalForm(loop), /nests too deeply: the limit schemaDepthMax is 64/);
});

test.run();
