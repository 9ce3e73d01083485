/** Grades by rule, one by one: what is read, what is not, and which place and reason are named. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Grade, GradeOptions } from '../../src/avro/schema/evolution.js';
import { Grader, gradeSchemas } from '../../src/avro/schema/evolution.js';
import type { SchemaNode, UnionNode } from '../../src/avro/schema/schema.js';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';

type Json = unknown;

const record = (name: string, fields: Record<string, Json>, rest: object = {}): Json => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) =>
    isField(type) ? { name: field, ...type } : { name: field, type },
  ),
  ...rest,
});

/** `{ type, default }` and the like stand for a whole field. */
function isField(json: Json): json is object {
  return typeof json === 'object' && json !== null && ('default' in json || 'aliases' in json) && !('name' in json);
}

const array = (items: Json): Json => ({ type: 'array', items });
const map = (values: Json): Json => ({ type: 'map', values });
const enumOf = (symbols: string[], rest: object = {}): Json => ({ type: 'enum', name: 'Kind', symbols, ...rest });
const fixed = (size: number, name = 'Id'): Json => ({ type: 'fixed', name, size });

const compatible = (reader: Json, writer: Json, options?: GradeOptions): void =>
  assert.equal(gradeSchemas(reader, writer, options), { grade: 'compatible', path: '', reason: '' });

function breaking(reader: Json, writer: Json, path: string, reason: RegExp, options?: GradeOptions): void {
  const found: Grade = gradeSchemas(reader, writer, options);
  assert.is(found.grade, 'breaking');
  assert.is(found.path, path);
  assert.match(found.reason, reason);
}

test('schemas of the same canonical form are identical, whatever else differs', () => {
  const plain = record('City', { id: 'long' });
  const rich = {
    type: 'record',
    name: 'City',
    doc: 'x',
    fields: [{ name: 'id', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0, aliases: ['key'] }],
  };
  assert.equal(gradeSchemas(plain, rich), { grade: 'identical', path: '', reason: '' });
  assert.is(gradeSchemas(plain, { ...(plain as object), type: 'error' }).grade, 'identical');
});

test('numbers are promoted upwards and never downwards; string and bytes read each other', () => {
  const kinds = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
  const promotions = [
    'int>long',
    'int>float',
    'int>double',
    'long>float',
    'long>double',
    'float>double',
    'bytes>string',
    'string>bytes',
  ];
  for (const writer of kinds) {
    for (const reader of kinds) {
      const expected =
        reader === writer ? 'identical' : promotions.includes(`${writer}>${reader}`) ? 'compatible' : 'breaking';
      assert.is(gradeSchemas(reader, writer).grade, expected, `${writer} read as ${reader}`);
    }
  }
  breaking('int', 'long', 'int', /^the reader expects int, the writer writes long$/);
});

test('fields are matched by name, in any order, and what only the writer has is skipped', () => {
  compatible(record('R', { a: 'int', b: 'string' }), record('R', { b: 'string', extra: map('int'), a: 'int' }));
});

test('a field that only the reader has needs a default', () => {
  compatible(record('R', { a: 'int', b: { type: 'int', default: 7 } }), record('R', { a: 'int' }));
  breaking(
    record('R', { a: 'int', b: 'int' }),
    record('R', { a: 'int' }),
    'R.b',
    /does not write this field.* no default/,
  );
});

test('a field is found under an alias of the reader, never of the writer', () => {
  const renamed = record('R', { b: { type: 'int', aliases: ['a'] } });
  compatible(renamed, record('R', { a: 'int' }));
  breaking(record('R', { a: 'int' }), renamed, 'R.a', /no default/);
  breaking(renamed, record('R', { a: 'int', b: 'int' }), 'R.b', /writes both b and a/);
});

test('names of types match without namespaces and by the aliases of the reader', () => {
  const named = (name: string, rest: object = {}): Json => record(name, { a: 'int' }, rest);
  compatible(named('x.City'), named('y.City'));
  compatible(named('x.Town', { aliases: ['City'] }), named('x.City'));
  breaking(
    named('x.Town'),
    named('x.City', { aliases: ['Town'] }),
    'Town',
    /expects record Town.* writes record City.* no alias/,
  );
  breaking(fixed(4, 'A'), fixed(4, 'B'), 'A', /expects fixed A/);
  breaking(enumOf(['A']), enumOf(['A'], { name: 'Sort' }), 'Kind', /expects enum Kind/);
});

test('a fixed needs the same size', () => {
  breaking(
    record('R', { id: fixed(16) }),
    record('R', { id: fixed(8) }),
    'R.id',
    /expects 16 bytes, the writer writes 8/,
  );
});

test('an enum needs every symbol that the writer may write, or a default', () => {
  compatible(enumOf(['A', 'B', 'C']), enumOf(['C', 'A']));
  breaking(enumOf(['A']), enumOf(['A', 'B']), 'Kind', /the symbol B, which the reader does not know/);
  compatible(enumOf(['A'], { default: 'A' }), enumOf(['A', 'B']));
  breaking(enumOf(['A']), enumOf(['A', 'B'], { default: 'A' }), 'Kind', /symbol B/);
});

test('every branch that a writer may write must be read', () => {
  compatible(['null', 'string', 'long'], ['string', 'null']);
  compatible('double', ['int', 'float']);
  breaking('string', ['null', 'string'], '(null)', /expects string, the writer writes null/);
  breaking(record('R', { a: ['null', 'int'] }), record('R', { a: ['null', 'string'] }), 'R.a(string)', /takes string/);
});

test('a reader may allow more than the writer writes', () => {
  compatible(['null', 'string'], 'string');
  compatible(['null', array('long')], array('int'));
  breaking(['null', 'int'], 'string', 'union', /no branch of the reader's union takes string/);
});

test('paths lead through items, values and branches', () => {
  const city = (lat: Json): Json =>
    record('demo.City', { name: 'string', location: record('Location', { lon: 'double', lat }) });
  breaking(city('float'), city('double'), 'City.location.lat', /expects float, the writer writes double/);
  breaking(array(city('float')), array(city('double')), '[].location.lat', /float/);
  breaking(map(array('int')), map(array('long')), '{}[]', /int/);
  const deep = (lat: Json): Json => record('R', { all: array(['null', map(city(lat))]) });
  breaking(deep('float'), deep('double'), 'R.all[](map){}.location.lat', /float/);
});

test('the first offending field in the order of the reader is named, however deep', () => {
  const inner = (type: Json): Json => record('Inner', { x: record('Core', { y: type }) });
  breaking(
    record('R', { ok: 'int', first: inner('int'), second: 'int' }),
    record('R', { second: 'string', first: inner('string'), ok: 'int' }),
    'R.first.x.y',
    /expects int, the writer writes string/,
  );
});

test('recursive schemas are graded, and a mismatch is not reported at the recursion', () => {
  const list = (type: Json, rest: object = {}): Json => record('Node', { next: ['null', 'Node'], value: type }, rest);
  compatible(list('long'), list('int'));
  breaking(list('int'), list('long'), 'Node.value', /expects int/);
  const tree = (leaf: Json): Json => record('Tree', { children: array('Tree'), by: map(['null', 'Tree']), leaf });
  compatible(tree('double'), tree('float'));
  breaking(tree('float'), tree('double'), 'Tree.leaf', /expects float/);
});

test('types that refer to each other are read only if both are', () => {
  const pair = (type: Json): Json =>
    record('A', { b: ['null', record('B', { a: ['null', 'A'], c: ['null', record('C', { a: 'A' })] })], end: type });
  compatible(pair('long'), pair('int'));
  breaking(pair('int'), pair('long'), 'A.end', /expects int/);
});

test('a union takes a value with the branch of its own type before it promotes', () => {
  const choose = (reader: Json, writer: Json): SchemaNode | undefined => {
    const union = parseSchema(reader) as UnionNode;
    return union.branches[new Grader().chooseBranch(union, parseSchema(writer))];
  };
  assert.is(choose(['long', 'int'], 'int')?.kind, 'int');
  assert.is(choose(['bytes', 'string'], 'string')?.kind, 'string');
  assert.is(choose(['float', 'double', 'long'], 'int')?.kind, 'float');
  assert.is(choose(['null', 'string'], 'int'), undefined);
  const spaces = [record('a.City', { x: 'int' }), record('b.City', { x: 'int' })];
  assert.is((choose(spaces, record('b.City', { x: 'int' })) as { name: string }).name, 'b.City');
  assert.is((choose(spaces, record('c.City', { x: 'int' })) as { name: string }).name, 'a.City');
  const aliased = [record('a.City', { x: 'int' }), record('a.Town', { x: 'int' }, { aliases: ['c.City'] })];
  assert.is((choose(aliased, record('c.City', { x: 'int' })) as { name: string }).name, 'a.Town');
});

test('of two branches that may match, the one that can be read is taken', () => {
  const reader = [record('a.City', { x: 'int' }), record('b.City', { y: 'int' })];
  compatible(reader, record('c.City', { y: 'int' }));
  // A full name says which one is meant, so the other is no substitute.
  breaking(reader, record('a.City', { y: 'int' }), '(City).x', /no default/);
});

test('of a reader in canonical form, defaults and aliases are unknown, so what they could mend is no breach', () => {
  const lenient = { readerIsCanonical: true };
  const cases: [Json, Json][] = [
    [record('R', { a: 'int', b: 'int' }), record('R', { a: 'int' })],
    [record('R', { b: 'int' }), record('R', { a: 'int' })],
    [record('Town', { a: 'int' }), record('City', { a: 'int' })],
    [enumOf(['A']), enumOf(['A', 'B'])],
    [['null', record('Town', { a: 'int' })], record('City', { a: 'int' })],
  ];
  for (const [reader, writer] of cases) {
    assert.is(gradeSchemas(reader, writer).grade, 'breaking');
    compatible(reader, writer, lenient);
  }
  breaking(record('R', { a: 'int' }), record('R', { a: 'string' }), 'R.a', /expects int/, lenient);
  breaking(record('R', { id: fixed(16) }), record('R', { id: fixed(8) }), 'R.id', /16 bytes/, lenient);
  breaking('string', ['null', 'string'], '(null)', /null/, lenient);
  breaking(array('int'), map('int'), 'array', /expects array/, lenient);
});

test('a chain of thousands of types is graded without running out of stack', () => {
  // The reader's one recursive type meets each of the writer's.
  const links = Array.from({ length: 1_500 }, (_, i) => 1_499 - i);
  const chain = links.map((i) => record(`n${i}.Node`, { next: i === 1_499 ? 'null' : ['null', `n${i + 1}.Node`] }));
  const writer = record('Root', Object.fromEntries(chain.map((node, i) => [`f${i}`, node])));
  const reader = record('Root', { f1499: record('Node', { next: ['null', 'Node'] }) });
  const { grade, path, reason } = gradeSchemas(reader, writer);
  assert.is(grade, 'breaking');
  assert.match(path, /^Root\.f1499\.next\(Node\)\.next.*\.\.\..*\.next$/);
  assert.ok(path.length < 256, 'both ends of a long path are enough');
  assert.match(reason, /more than 400 types stand inside each other/);
});

test('a schema in which everything meets everything is given up before it takes long', () => {
  const fields = (types: Json): Record<string, Json> => ({ f0: types, f1: types, f2: types, f3: types });
  const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}.X`);
  const all = (prefix: string, count: number, others: (i: number) => Json): Json[] =>
    names(prefix, count).map((name, i) => record(name, fields(others(i))));
  const reader = all('r', 20, (i) => ['null', ...names('r', i + 1)]);
  const writer = all('w', 450, (i) => ['null', `w${i >> 1}.X`]);
  breaking(reader, writer, '(X)', /^more than 50000 comparisons of types would be needed$/);
  // With one type on the reader's side it is an ordinary schema.
  compatible([record('r.X', fields(['null', 'r.X']))], writer);
});

test.run();
