/**
 * Runs the compiler on programs that are wrong in one place each, and expects that error and no other. It proves that the types
 * refuse such programs, which the other files of this folder could not show if the types had become `any`. The programs import
 * `trunkline` as an application does, so what is tested are the declarations in `dist/`, as built last.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { projectRoot } from '../support/root.js';

const root = fileURLToPath(projectRoot);

const cities = `
import { type Client, clientStream, defineService, duplex, type Handlers, schema, serverStream, unary } from 'trunkline';
const City = schema({ type: 'record', name: 'demo.City', fields: [
  { name: 'id', type: 'long' },
  { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['TOWN', 'VILLAGE'] } },
  { name: 'shape', type: ['null', 'int', 'double'], default: null },
  { name: 'near', type: { type: 'array', items: 'City' }, default: [] },
] });
const None = schema({ type: 'error', name: 'None', fields: [{ name: 'id', type: 'int' }] });
export const Cities = defineService('demo.Cities', {
  get: unary({ request: City, response: City, errors: [None] }),
  big: unary({ request: 'long', response: 'long', longs: 'bigint' }),
  within: serverStream({ request: 'int', response: City }),
  add: clientStream({ request: City, response: 'int' }),
  chat: duplex({ request: 'string', response: 'string' }),
});
export declare const client: Client<typeof Cities>;
export declare function serve(handlers: Partial<Handlers<typeof Cities>>): void;
`;

/** Each program, and what the compiler says about it. */
const programs: Readonly<Record<string, readonly [program: string, error: RegExp | null]>> = {
  'a right program': [
    `void client.get({ id: 1, kind: 'TOWN' }).then((city) => city.near[0]?.near[0]?.id.toFixed());
     serve({ get: (city) => ({ ...city, kind: 'VILLAGE', near: [{ id: 1, kind: 'TOWN' }] }), big: async (n) => n + 1n });`,
    null,
  ],
  'a wrong field': [`void client.get({ id: 1, kind: 'TOWN', naem: '' });`, /TS2353.*'naem' does not exist/],
  'a missing field': [`void client.get({ id: 1 });`, /TS2741.*'kind' is missing/],
  'a field of the wrong type': [`void client.get({ id: '1', kind: 'TOWN' });`, /TS2322.*'string'.*'number'/],
  'a wrong field three levels down': [
    `void client.get({ id: 1, kind: 'TOWN', near: [{ id: 1, kind: 'TOWN', near: [{ id: true, kind: 'TOWN' }] }] });`,
    /TS2322.*'boolean'.*'number'/,
  ],
  'a wrong enum symbol': [`void client.get({ id: 1, kind: 'HAMLET' });`, /TS2322.*'"HAMLET"'.*'"TOWN" \| "VILLAGE"'/],
  'a bare value of an ambiguous union': [`void client.get({ id: 1, kind: 'TOWN', shape: 1 });`, /TS2322.*'number'/],
  'a wrong return type': [`serve({ big: () => 'x' });`, /TS2322[^]*'string' is not assignable to type 'bigint \|/],
  'a return value without a field': [`serve({ get: async () => ({ id: 1 }) });`, /TS2322[^]*'kind' is missing/],
  'right streams': [
    `void (async () => {
       for await (const city of client.within(1)) city.near[0]?.id.toFixed();
       for await (const lines of client.chat(['a']).batches()) lines[0]?.trim();
       (await client.add([{ id: 1, kind: 'TOWN' }])).toFixed();
     })();
     serve({
       async *within(count, { signal }) { if (!signal.aborted) yield { id: count, kind: 'TOWN' }; },
       async add(items) { let n = 0; for await (const { id } of items) n += id; return n; },
       chat: (lines) => lines,
     });`,
    null,
  ],
  'an item without a field': [`void client.add([{ id: 1 }]);`, /TS2741.*'kind' is missing/],
  'an item of the wrong type': [`client.chat([1]);`, /TS2322.*'number'.*'string'/],
  'one item in place of a stream': [
    `void client.add({ id: 1, kind: 'TOWN' });`,
    /TS2353.*'id' does not exist in type 'ItemSource</,
  ],
  'an awaited server stream': [
    `void client.within(1).then(() => 1);`,
    /TS2339.*'then' does not exist on type 'ItemStream</,
  ],
  'a handler of one answer for a server stream': [
    `serve({ within: () => ({ id: 1, kind: 'TOWN' }) });`,
    /TS2322[^]*\) => Promise<ItemSource</,
  ],
  'a generator of wrong items': [
    `serve({ async *chat(lines) { for await (const line of lines) yield line.length; } });`,
    /TS2322[^]*'number' is not assignable to type 'string'/,
  ],
  'an unknown method': [`void client.gte({ id: 1, kind: 'TOWN' });`, /TS2339.*'gte' does not exist/],
  'a handler of no method': [`serve({ gte: () => null });`, /TS2353.*'gte' does not exist/],
  'a number for a bigint': [`void client.big(1);`, /TS2345.*'number'.*'bigint'/],
  'a bigint for a number': [`void client.get({ id: 1n, kind: 'TOWN' });`, /TS2322.*'bigint'.*'number'/],
  'an unknown field of a response': [
    `void client.get({ id: 1, kind: 'TOWN' }).then((city) => city.mayor);`,
    /TS2339.*'mayor'/,
  ],
  'an undeclared error': [`declared(Cities.methods.get, 'Nothing', { id: 1 });`, /TS2345.*'"Nothing"'.*'"None"'/],
  'a misspelt type': [
    `unary({ request: 'int', response: ['null', 'strng'] });`,
    /TS2322.*neither an Avro type nor.*"strng"/,
  ],
  'a misspelt kind': [
    `unary({ request: 'int', response: { type: 'aray', items: 'int' } });`,
    /TS2322[^]*Did you mean '"array"'/,
  ],
};

interface Compiled {
  /** Messages by the name of the program. */
  readonly errors: ReadonlyMap<string, readonly string[]>;
  /** The declarations that the compiler writes for `cities`. */
  readonly declarations: string;
}

function compileAll(): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-types-'));
  try {
    mkdirSync(join(folder, 'programs'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/trunkline'), 'dir');
    writeFileSync(join(folder, 'programs/cities.ts'), cities);
    const names = Object.keys(programs);
    const files = names.map((name, index) => {
      const file = join(folder, `programs/p${index}.ts`);
      const imports = `import { Cities, client, serve } from './cities.js';
        import { declared, unary } from 'trunkline';\n`;
      writeFileSync(
        file,
        `${imports}${programs[name]?.[0]}\nexport const used: unknown = [Cities, client, serve, declared, unary];\n`,
      );
      return file;
    });
    const output = runCompiler([...files, '--rootDir', '/', '--outDir', join(folder, 'out')]);
    const errors = new Map<string, string[]>(names.map((name) => [name, []]));
    // The first line of an error names the file; its explanation follows, indented.
    for (const text of output.split(/\n(?! )/).filter((block) => block.includes('error TS'))) {
      const name = names[Number(/programs\/p(\d+)\.ts/.exec(text)?.[1] ?? Number.NaN)];
      assert.ok(name !== undefined, `an error outside the programs: ${text}`);
      errors.get(name)?.push(text);
    }
    return { errors, declarations: readFileSync(join(folder, 'out', folder, 'programs/cities.d.ts'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runCompiler(args: readonly string[]): string {
  const options = [
    '--ignoreConfig',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--declaration',
    '--emitDeclarationOnly',
  ];
  const environment = ['--target', 'es2022', '--lib', 'es2023', '--module', 'nodenext', '--types', 'node'];
  const paths = ['--typeRoots', join(root, 'node_modules/@types'), '--pretty', 'false'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { error, stdout } = spawnSync(process.execPath, [tsc, ...options, ...environment, ...paths, ...args], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return stdout;
}

/** One run of the compiler serves all tests. */
const compiled = compileAll();

for (const [name, [, expected]] of Object.entries(programs)) {
  test(expected === null ? `${name} compiles` : `${name} is a compile error`, () => {
    const errors = compiled.errors.get(name) ?? [];
    assert.is(errors.length, expected === null ? 0 : 1, errors.join('\n') || 'it compiles');
    if (expected !== null) assert.match(errors[0] ?? '', expected, errors[0] ?? '');
  });
}

test('declarations of a service say its types without any', () => {
  const { declarations } = compiled;
  assert.match(declarations, /export declare const Cities: import\("trunkline"\)\.ServiceDefinition</);
  assert.match(declarations, /readonly items: "City"/);
  assert.not.match(declarations, /\bany\b/);
});

test.run();
