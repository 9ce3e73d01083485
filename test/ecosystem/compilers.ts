/**
 * Compiles a generated library of services and a program that uses it, with each version of TypeScript that is supported: `strict`,
 * `declaration`, and the declarations of this package and of the library checked too (`skipLibCheck: false`). The library follows the
 * recipe in docs/services-and-types.md. The program sees of it only the declarations that were emitted.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output, type Step, stepFolder } from './cases.js';

const folder = stepFolder('compilers');
const SCHEMAS = 30;
const METHODS = 60;
/** Declarations that named no types would write every schema out wherever it is embedded: megabytes. */
const DECLARATION_BYTES_MAX = 100_000;

/** Folder of each compiler, by the version that people install. */
const versions: Readonly<Record<string, string>> = { '5.6': '5.6.3', '5.9': '5.9.3', '6': '6.0.3', '7': '7.0.2' };

/** Schemas that embed up to three earlier ones each, and refer to themselves; each with the names that declarations use. */
function schemas(): string {
  const parts = ["import { type Infer, type InferInput, schema } from 'trunkline';"];
  for (let i = 0; i < SCHEMAS; i++) {
    const fields = [
      "{ name: 'id', type: 'long' }",
      "{ name: 'text', type: ['null', 'string'], default: null }",
      `{ name: 'kind', type: { type: 'enum', name: 'Kind${i}', symbols: ['A', 'B${i}'] }, default: 'A' }`,
      `{ name: 'others', type: { type: 'map', values: 'Record${i}' }, default: {} }`,
    ];
    const embedded = [...new Set([i - 1, i - 2, i >> 1])].filter((other) => other >= 0 && other < i);
    for (const other of embedded) fields.push(`{ name: 'f${other}', type: ['null', Record${other}], default: null }`);
    parts.push(
      `const record${i} = schema({ type: 'record', name: 'Record${i}', fields: [${fields.join(', ')}] });`,
      `export interface Record${i}Schema extends Readonly<typeof record${i}> {}`,
      `export const Record${i}: Record${i}Schema = record${i};`,
      `export interface Value${i} extends Infer<Record${i}Schema> {}`,
      `export interface Input${i} extends InferInput<Record${i}Schema> {}`,
    );
  }
  return parts.join('\n');
}

function service(): string {
  const names = Array.from({ length: SCHEMAS }, (_, i) => `Record${i}`);
  const kinds = ['unary', 'serverStream', 'clientStream', 'duplex'];
  const methods = Array.from({ length: METHODS }, (_, i) => {
    const [request, response] = [names[i % SCHEMAS], names[(i * 7 + 3) % SCHEMAS]];
    return `m${i}: ${kinds[i % 8] ?? 'unary'}({ request: ${request}, response: ${response} })`;
  });
  return `import { ${kinds.join(', ')}, defineService } from 'trunkline';
import { ${names.join(', ')} } from './schemas.js';
export const Big = defineService('user.Big', { ${methods.join(',\n')} });
`;
}

const program = `import { connect, defineService, type Handlers, type Infer, schemaOf, Server, unary } from 'trunkline';
import { Big } from './library/service.js';
import type { Input0, Value29 } from './library/schemas.js';
import json from './city.json' with { type: 'json' };

export async function use(handlers: Handlers<typeof Big>): Promise<bigint | number> {
  await using server = new Server().add(Big, handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  const big = connect(\`tcp://127.0.0.1:\${port}\`).client(Big);
  const request: Input0 = { id: 1, others: { a: { id: 2, kind: 'B0' } } };
  const { f1, kind } = await big.m0(request);
  // @ts-expect-error a field that does not exist
  await big.m0({ id: 1, txt: 'a' });
  // @ts-expect-error no symbol of the enum
  const wrong: 'C' = kind;
  const deep: Value29 | null = null as Value29 | null;
  for await (const item of big.m1({ id: 1 })) console.log(item.id, item.others, wrong);
  return deep?.f28?.f27?.f26?.f25?.f24?.f23?.f22?.f21?.f20?.id ?? f1?.id ?? 0;
}

interface City {
  id: number;
  name: string;
}
const CitySchema = schemaOf<City>(json);
export const Cities = defineService('user.Cities', { get: unary({ request: 'long', response: CitySchema }) });
export const city: Infer<typeof CitySchema> = { id: 1, name: 'Bonn' };
export const server = new Server().add(Cities, { get: (id) => ({ id, name: 'Bonn' }) });
`;

const city = {
  type: 'record',
  name: 'City',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
  ],
};

const options = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2022', 'esnext.disposable'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  declaration: true,
  resolveJsonModule: true,
};

async function compile(version: string): Promise<void> {
  const project = join(folder, `with-${version}`);
  const library = join(project, 'library');
  await mkdir(library, { recursive: true });
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }));
  await writeFile(join(library, 'schemas.ts'), schemas());
  await writeFile(join(library, 'service.ts'), service());
  await writeFile(join(project, 'city.json'), JSON.stringify(city));
  await writeFile(join(project, 'program.ts'), program);
  const config = (files: readonly string[], more: object): string =>
    JSON.stringify({ compilerOptions: { ...options, ...more }, files });
  await writeFile(join(project, 'library.json'), config(['library/service.ts'], { rootDir: '.' }));
  await writeFile(join(project, 'program.json'), config(['program.ts'], { noEmit: true }));
  const tsc = [join(folder, 'node_modules', `typescript-${version}`, 'bin/tsc')];
  await output(process.execPath, [...tsc, '-p', 'library.json'], { cwd: project });
  for (const file of await readdir(library)) {
    const text = await readFile(join(library, file), 'utf8');
    if (file.endsWith('.d.ts') && text.length > DECLARATION_BYTES_MAX)
      throw new Error(`${file} has ${text.length} bytes: types that have a name are written out`);
    if (!file.endsWith('.d.ts')) await rm(join(library, file));
  }
  await output(process.execPath, [...tsc, '-p', 'program.json'], { cwd: project });
}

export const compilers: Step = {
  folder,
  packages: [
    ...Object.entries(versions).map(([name, version]) => `typescript-${name}@npm:typescript@${version}`),
    '@types/node@20.19.43',
  ],
  withTrunkline: true,
  cases: () => Object.keys(versions).map((each) => ({ name: `E4 TypeScript ${each}`, run: () => compile(each) })),
};
