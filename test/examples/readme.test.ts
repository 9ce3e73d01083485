/** The README says what is true: its program runs when pasted, its TypeScript compiles, its links and its numbers are right. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defaultLimits, type Limits, Server } from '../../src/index.js';
import { projectRoot } from '../support/root.js';

const root = fileURLToPath(projectRoot);
const read = (path: string): string => readFileSync(new URL(path, projectRoot), 'utf8');
const readme = read('README.md');

function blocks(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm');
  return [...readme.matchAll(fence)].map((match) => match[1]);
}

/** An empty project that has installed the package; its files are gone afterwards. */
function inProject<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/trunkline'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the program of the first screen is examples/quickstart.mjs, of fewer than 30 lines', () => {
  const [program, ...others] = blocks('js');
  assert.is(others.length, 0);
  assert.is(program, read('examples/quickstart.mjs'));
  assert.ok(program.trimEnd().split('\n').length < 30);
  const screen = readme.split('\n').slice(0, 45).join('\n');
  assert.match(screen, program);
  assert.match(screen, 'npm ci && npm start');
  assert.match(screen, 'npm cit');
});

test('it runs when pasted into a project that has the package', () => {
  inProject((folder) => {
    writeFileSync(join(folder, 'pasted.mjs'), blocks('js')[0]);
    const run = spawnSync(process.execPath, ['pasted.mjs'], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
    assert.is(run.stderr, '');
    assert.is(run.stdout, '北京 has 18960744 inhabitants\n');
    assert.is(run.status, 0);
  });
});

/** What the TypeScript of the README leaves to the reader. */
const around = `
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { blob, type Client, type ClientChannel, clientStream, connect, consistentHash, declared, duplex } from 'trunkline';
import { formatLedger } from 'trunkline';
import { type Handlers, isDeclared, Server, serverStream } from 'trunkline';
import { SimulatedNetwork } from 'trunkline/testing';
const City = schema({ type: 'record', name: 'demo.City', fields: [{ name: 'id', type: 'long' }] });
const FileInfo = schema({ type: 'record', name: 'demo.FileInfo', fields: [{ name: 'name', type: 'string' }] });
const Receipt = schema({ type: 'record', name: 'demo.Receipt', fields: [{ name: 'id', type: 'long' }] });
const Filed = defineService('demo.Filed', { put: blob({ request: FileInfo, response: Receipt }) });
declare const files: Client<typeof Filed>;
declare const info: Infer<typeof FileInfo>;
declare const path: string;
declare function pathOf(info: Infer<typeof FileInfo>): string;
declare const point: Point;
declare const signal: AbortSignal;
declare const channel: ClientChannel;
declare const server: Server;
declare const handlers: Handlers<typeof Places>;
declare const places: Client<typeof Places>;
`;

test('the TypeScript of the README compiles', () => {
  const [first, ...rest] = blocks('ts');
  const functions = rest.map((block, index) => `export async function block${index}() {\n${block}}\n`);
  inProject((folder) => {
    const types = join(root, 'node_modules/@types');
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [types],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['readme.ts'] }));
    writeFileSync(join(folder, 'readme.ts'), [first, around, ...functions].join('\n'));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const run = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', timeout: 60_000 });
    assert.is(run.stdout, '');
    assert.is(run.status, 0);
  });
});

test('every relative link leads to something', () => {
  for (const page of ['README.md', 'src/README.md', 'examples/fleet/README.md']) {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)].map((match) => match[1]);
    assert.ok(page !== 'README.md' || links.length > 10, page);
    for (const link of links) assert.ok(existsSync(new URL(link, new URL(page, projectRoot))), `${page}: ${link}`);
  }
});

test('every script that the README names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map((match) => match[1]);
  assert.ok(named.length > 5);
  for (const name of named) assert.ok(Object.hasOwn(scripts, name), `npm run ${name}`);
});

/** `4 MiB`, `1,000`, `16 KiB` and `30,000 ms` as numbers. */
function valueOf(text: string): number {
  const match = /^([\d,]+)(?: (\w+))?$/.exec(text);
  if (match === null) throw new Error(`no value: ${text}`);
  const [, digits, unit] = match;
  return Number(digits.replaceAll(',', '')) * (unit === 'MiB' ? 2 ** 20 : unit === 'KiB' ? 2 ** 10 : 1);
}

test('the limits of the README have the defaults that it says', () => {
  const rows = [...readme.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \| [^|]+ \|$/gm)];
  const checked: string[] = [];
  for (const [, names, values] of rows) {
    const limits = [...names.matchAll(/\w+/g)].map(([name]) => name as keyof Limits);
    if (!Object.hasOwn(defaultLimits, limits[0])) continue;
    for (const [index, name] of limits.entries()) {
      checked.push(name);
      const value = values.split(/, (?=\d+(?:,\d{3})*(?: |$))/)[index];
      if (name === 'handlersMax') assert.is(value, 'as `callsInFlightMax`');
      else assert.is(valueOf(value), defaultLimits[name], name);
    }
  }
  assert.ok(checked.length >= 14, checked.join(' '));
});

/** Where the options of a channel have their defaults: `name: 5` in a table of them, `name = 5` where they are taken apart. */
const optionFiles: Readonly<Record<string, string>> = {
  pool: 'src/channel/pool-options.ts',
  retry: 'src/resilience/retry-policy.ts',
  'retry.budget': 'src/resilience/retry-budget.ts',
  hedging: 'src/resilience/hedge-policy.ts',
  ejection: 'src/resilience/ejection.ts',
};

function defaultIn(file: string, name: string): number {
  const match = new RegExp(`\\b${name}(?: =|:) ([\\d_.]+|Infinity)\\b`).exec(read(file));
  if (match === null) throw new Error(`${file} has no default of ${name}`);
  return Number(match[1].replaceAll('_', ''));
}

test('the options of a channel have the defaults that the README says', () => {
  const rows = [...readme.matchAll(/^\| (`\w+\.[\w.]+`(?:, `[\w.]+`)*) \| ([^|]+) \|/gm)];
  const checked: string[] = [];
  for (const [, names, values] of rows) {
    for (const [index, [option]] of [...names.matchAll(/[\w.]+/g)].entries()) {
      const [, group, name] = /^(.+)\.(\w+)$/.exec(option) ?? [];
      const file = optionFiles[group ?? ''];
      if (file === undefined || name === 'codes') continue;
      const [value = ''] = values
        .trim()
        .split(/, (?=[\d`])/)
        .slice(index);
      const digits = value.replaceAll('`', '').replace(' ms', '').replaceAll(',', '');
      assert.is(Number(digits), defaultIn(file, name ?? ''), option);
      checked.push(option);
    }
  }
  assert.ok(checked.length >= 20, checked.join(' '));
});

/** The names of all fields, also of what is inside. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);
}

test('what the README shows of describe() has the fields that it has', async () => {
  const server = new Server();
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.ready();
  const sample = blocks('text').find((block) => block.includes('callsMade')) ?? '';
  const shown = [...sample.matchAll(/([a-z]\w+): /gi)].map(([, name]) => name);
  assert.equal([...new Set(shown)].sort(), [...new Set(fieldsOf(channel.describe()))].sort());
  await channel.close();
  await server.drain();
});

test('links within the README lead to its headings', () => {
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, text]) => text.toLowerCase().replaceAll(' ', '-'));
  const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  assert.ok(links.length > 0);
  for (const anchor of links) assert.ok(headings.includes(anchor), anchor);
});

test.run();
