/** Protocol files: Apache's own are read, JSON and IDL say the same, imports keep their namespaces, and mistakes are named. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ProtocolDescription, readProtocol } from '../../src/avro/protocol/protocol.js';
import { canonicalForm } from '../../src/avro/schema/canonical.js';
import type { SchemaJson } from '../../src/avro/schema/schema.js';
import type { RpcCode } from '../../src/base/codes.js';
import { RpcError } from '../../src/base/errors.js';
import { avroData } from './avro-data.js';

/** Reads each of Apache's files once, and has avsc compile every schema in it. */
function read(name: string): ProtocolDescription {
  const description = readProtocol(avroData(`schemas/${name}`));
  const messages = description.messages.flatMap(({ request, response, errors }) => [
    request,
    response,
    errors ?? 'null',
  ]);
  for (const schema of [...Object.values(description.types), ...messages]) compiles(schema);
  return description;
}

/** Each schema stands on its own, and avsc sees in it what the canonical form says. */
function compiles(schema: SchemaJson): void {
  const own = JSON.stringify(avro.Type.forSchema(schema as never).schema());
  assert.is(own.replaceAll('"type":"error"', '"type":"record"'), canonicalForm(schema));
}

function refused(text: string, message: RegExp, code: RpcCode = 'INVALID_ARGUMENT'): void {
  try {
    readProtocol(text);
    assert.unreachable(`taken: ${text}`);
  } catch (error) {
    assert.instance(error, RpcError, String(error));
    assert.match((error as RpcError).message, message);
    assert.is((error as RpcError).code, code);
  }
}

const expected: Readonly<Record<string, { name: string; types: number; messages: string[] }>> = {
  'BulkData.avpr': { name: 'org.apache.avro.test.BulkData', types: 0, messages: ['read', 'write'] },
  'contexts.avdl': { name: 'org.apache.avro.ipc.specific.Contexts', types: 5, messages: [] },
  'echo.avdl': { name: 'org.apache.avro.echo.Echo', types: 2, messages: ['ping'] },
  'http.avdl': { name: 'org.apache.avro.test.http.Http', types: 8, messages: [] },
  'mail.avpr': { name: 'org.apache.avro.test.Mail', types: 1, messages: ['send', 'fireandforget'] },
  'namespace.avpr': { name: 'org.apache.avro.test.namespace.TestNamespace', types: 3, messages: ['echo', 'error'] },
  'nestedNullable.avdl': { name: 'org.apache.avro.test.nullable.Nullable', types: 3, messages: [] },
  'schemaevolution.avdl': {
    name: 'org.apache.avro.compiler.schema.evolve.SchemaEvolveTesting',
    types: 6,
    messages: [],
  },
  'simple.avpr': {
    name: 'org.apache.avro.test.Simple',
    types: 5,
    messages: ['hello', 'echo', 'add', 'echoBytes', 'error', 'ack'],
  },
  'social.avdl': { name: 'org.apache.avro.ipc.specific.Social', types: 2, messages: [] },
  'specialtypes.avdl': { name: 'org.apache.avro.test.specialtypes.LetsBreakIt', types: 14, messages: [] },
  'stringables.avdl': { name: 'test.AnnotatedStringableTypes', types: 1, messages: [] },
};

for (const [file, { name, types, messages }] of Object.entries(expected)) {
  test(`Apache's ${file} is read`, () => {
    const description = read(file);
    assert.is(description.name, name);
    assert.is(Object.keys(description.types).length, types);
    assert.equal(
      description.messages.map((message) => message.name),
      messages,
    );
  });
}

test('no protocol file of Apache is left out', () => {
  const files = readdirSync(avroData('schemas')).filter((file) => /\.av(pr|dl)$/.test(file));
  assert.equal(files.sort(), Object.keys(expected).sort());
});

test('messages have a record of their parameters, a response, and errors with the string of undeclared ones', () => {
  const { messages, doc } = read('simple.avpr');
  assert.is(doc, 'Protocol used for testing.');
  const [hello, echo, add, , error, ack] = messages;
  assert.is(hello?.doc, 'Send a greeting');
  assert.is(
    canonicalForm(hello?.request),
    '{"name":"hello","type":"record","fields":[{"name":"greeting","type":"string"}]}',
  );
  assert.is(canonicalForm(add?.response), '"int"');
  assert.match(
    canonicalForm(echo?.request),
    /^\{"name":"echo","type":"record".*"name":"org.apache.avro.test.TestRecord"/,
  );
  assert.is(echo?.errors, null);
  assert.is(
    canonicalForm(error?.errors),
    '["string",{"name":"org.apache.avro.test.TestError","type":"record","fields":[{"name":"message","type":"string"}]}]',
  );
  const [, declared] = error?.errors ?? [];
  assert.is((declared as { type?: string } | undefined)?.type, 'error');
  assert.equal([ack?.oneWay, ack?.response, ack?.errors], [true, 'null', null]);
  assert.equal(
    messages.map((message) => message.oneWay),
    [false, false, false, false, false, true],
  );
});

test('attributes of types and fields are kept', () => {
  const record = read('simple.avpr').types['org.apache.avro.test.TestRecord'] as unknown as {
    fields: { order?: string }[];
  };
  assert.equal(
    record.fields.map((field) => field.order),
    ['ignore', 'descending', undefined],
  );
  const ping = read('echo.avdl').types['org.apache.avro.echo.Ping'] as unknown as { fields: { default: unknown }[] };
  assert.equal(
    ping.fields.map((field) => field.default),
    [-1, ''],
  );
});

test('IDL and JSON give the same description', () => {
  const idl = `
    /** Cities of the world. */
    @namespace("demo")
    protocol Cities {
      enum Kind { VILLAGE, TOWN } = VILLAGE;
      fixed Id(16);
      error NoCity { long id; }
      @aliases(["Town"]) record City {
        Id id;
        Kind kind;
        string @aliases(["title"]) name = "";
        union { null, map<double> } extra = null;
        timestamp_ms since;
      }
      /** By number. */
      City get(long id, boolean quick = false) throws NoCity;
      void touch(City city);
      void hit(long id) oneway;
    }`;
  const json = {
    protocol: 'Cities',
    namespace: 'demo',
    doc: 'Cities of the world.',
    types: [
      { type: 'enum', name: 'Kind', symbols: ['VILLAGE', 'TOWN'], default: 'VILLAGE' },
      { type: 'fixed', name: 'Id', size: 16 },
      { type: 'error', name: 'NoCity', fields: [{ name: 'id', type: 'long' }] },
      {
        type: 'record',
        name: 'City',
        aliases: ['Town'],
        fields: [
          { name: 'id', type: 'Id' },
          { name: 'kind', type: 'Kind' },
          { name: 'name', type: 'string', aliases: ['title'], default: '' },
          { name: 'extra', type: ['null', { type: 'map', values: 'double' }], default: null },
          { name: 'since', type: { type: 'long', logicalType: 'timestamp-millis' } },
        ],
      },
    ],
    messages: {
      get: {
        doc: 'By number.',
        request: [
          { name: 'id', type: 'long' },
          { name: 'quick', type: 'boolean', default: false },
        ],
        response: 'City',
        errors: ['NoCity'],
      },
      touch: { request: [{ name: 'city', type: 'City' }], response: 'null' },
      hit: { request: [{ name: 'id', type: 'long' }], response: 'null', 'one-way': true },
    },
  };
  const fromIdl = readProtocol(idl);
  assert.equal(fromIdl, readProtocol(JSON.stringify(json)));
  assert.equal(
    fromIdl.messages.map((message) => message.oneWay),
    [false, false, true],
  );
});

test('the types of IDL for dates and times are their logical types', () => {
  const { types } = readProtocol(
    'protocol P { record R { date a; time_ms b; timestamp_ms c; local_timestamp_ms d; uuid e; } }',
  );
  assert.equal((types['R'] as unknown as { fields: unknown[] }).fields, [
    { name: 'a', type: { type: 'int', logicalType: 'date' } },
    { name: 'b', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'c', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'd', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    { name: 'e', type: { type: 'string', logicalType: 'uuid' } },
  ]);
});

test('a type may be used before it is defined, and by any message', () => {
  const { messages } = readProtocol(
    'protocol P { B get(A a); record A { B b; array<A> all; } record B { union {null, A} a; } }',
  );
  compiles(messages[0]?.request as SchemaJson);
  compiles(messages[0]?.response as SchemaJson);
  assert.match(canonicalForm(messages[0]?.response), /^\{"name":"B"/);
});

test('a message called like a type, or with a name of Avro, has a request by another name', () => {
  const { messages } = readProtocol('protocol P { record ping { int a; } ping ping(ping ping); }');
  assert.match(canonicalForm(messages[0]?.request), /^\{"name":"P.ping","type":"record"/);
  compiles(messages[0]?.request as SchemaJson);
  const reserved = readProtocol('protocol P { int string(); int map(); int error(); int toStrings(); }').messages;
  const names = reserved.map(({ request }) => (request as unknown as { name: string }).name);
  assert.equal(names, ['string_', 'map_', 'error', 'toStrings']);
  for (const { request } of reserved) compiles(request);
  const named = readProtocol('@namespace("n") protocol P { record ping { int a; } ping ping(ping ping); }');
  assert.match(canonicalForm(named.messages[0]?.request), /^\{"name":"ping","type":"record".*"name":"n.ping"/);
});

test('imports bring in types and messages, each in its own namespace', () => {
  inFolder((folder) => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    file('id.avsc', '{"type":"fixed","name":"Id","namespace":"ids","size":4}');
    file('plain.avsc', '{"type":"enum","name":"Plain","symbols":["A"]}');
    file(
      'base.avpr',
      '{"protocol":"Base","namespace":"base","types":[{"type":"record","name":"Thing","fields":[]}],' +
        '"messages":{"find":{"request":[{"name":"what","type":"Thing"}],"response":"Thing"}}}',
    );
    file(
      'other.avdl',
      '@namespace("other") protocol Other { import idl "main.avdl"; record Part { int n; } Part part(Part p); }',
    );
    const main = file(
      'main.avdl',
      `@namespace("main") protocol Main {
        import schema "id.avsc"; import schema "plain.avsc"; import protocol "base.avpr"; import idl "other.avdl";
        import idl "other.avdl";
        record All { ids.Id id; Plain plain; base.Thing thing; other.Part part; }
        All all();
      }`,
    );
    const { name, types, messages } = readProtocol(main);
    assert.is(name, 'main.Main');
    assert.equal(Object.keys(types), ['ids.Id', 'Plain', 'base.Thing', 'other.Part', 'main.All']);
    assert.equal(
      messages.map((message) => message.name),
      ['find', 'part', 'all'],
    );
    assert.match(canonicalForm(messages[0]?.request), /"name":"base.Thing"/);
    assert.match(canonicalForm(messages[1]?.request), /"name":"other.Part"/);
    for (const type of Object.values(types)) compiles(type);
    refused(join(folder, 'nowhere.avdl'), /nowhere\.avdl cannot be read/, 'NOT_FOUND');
    const broken = file('broken.avdl', 'protocol P { import idl "nowhere.avdl"; }');
    refused(broken, /nowhere\.avdl cannot be read/, 'NOT_FOUND');
    const twice = file('twice.avdl', '@namespace("base") protocol P { import protocol "base.avpr"; void find(); }');
    refused(twice, /message find is defined twice/);
  });
  refused('protocol P { import idl "x.avdl"; }', /it imports x.avdl; only a file can import/);
});

test('mistakes are named with their place', () => {
  const protocol = (types: string, messages = ''): string =>
    `{"protocol":"P","types":[${types}],"messages":{${messages}}}`;
  const message = (json: string): string => protocol('{"type":"record","name":"R","fields":[]}', `"m":${json}`);
  refused('{"protocol"', /protocol: it is not JSON/);
  refused('{}', /a protocol needs a name/);
  refused('[{}]', /expected value protocol/);
  refused(protocol('"int"'), /types are not a list of definitions/);
  refused(
    protocol('{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}'),
    /R\.a: the name "X" is not defined/,
  );
  refused(protocol('', '"a b":{"request":[],"response":"null"}'), /"a b" is no legal name for a message/);
  refused(message('5'), /message m: it is not a JSON object/);
  refused(message('{"request":[]}'), /message m: it needs a response/);
  refused(message('{"response":"int"}'), /message m: it needs a list of parameters/);
  refused(message('{"request":[{"name":"a","type":"X"}],"response":"int"}'), /m\.a: the name "X" is not defined/);
  refused(message('{"request":[],"response":"int","one-way":true}'), /its response must be null/);
  refused(message('{"request":[],"response":"null","one-way":1}'), /one-way must be true or false/);
  refused(
    message('{"request":[],"response":"null","errors":["R"]}'),
    /R is among its errors, but is not declared as an error/,
  );
  refused('protocol P { error E {} void m() throws E, E; }', /one of its errors is declared twice/);
});

test('mistakes in IDL are named with line and column', () => {
  refused('protocol P {\n  record R {\n    string? a;\n  }\n}', /^protocol:3:\d+: /);
  refused('protocol P { record R { decimal(9, 2) a; } }', /^protocol:1:\d+: /);
  refused('protocol P { record R { string a } }', /^protocol:1:\d+: /);
  refused('protocol P { int f(', /^protocol:1:\d+: /);
  refused('protocol P { @order', /an annotation needs a value in parentheses/);
  assert.is(readProtocol('protocol P { } // questions to me@example.org').name, 'P');
});

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-protocol-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.run();
