/**
 * Runs a user's tests (`user/calls.test.mjs`) under the test runners people use, in each way that docs/jest-and-vitest.md names: they pass,
 * and the runner ends by itself.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Case, output, root, type Step, stepFolder } from './cases.js';

const folder = stepFolder('runners');
const packages = [
  'jest@30.5.2',
  '@babel/plugin-transform-modules-commonjs@7.29.14',
  'babel-plugin-transform-import-meta@2.3.3',
  'vitest@4.1.12',
  'mocha@11.8.0',
];

/** The tests of `calls.test.mjs`. */
const TESTS = 5;

const jest = '../node_modules/jest/bin/jest.js';
const vmModules = '--experimental-vm-modules';
const babelPlugins = ['@babel/plugin-transform-modules-commonjs', 'babel-plugin-transform-import-meta'];

/** Turns a module's static imports into `require`, for CommonJS projects that have no transform. */
function asCommonJs(source: string): string {
  return source.replaceAll(/^import (.+) from ('.+');$/gm, 'const $1 = require($2);');
}

/** The package alone is imported when the tests begin, which CommonJS may do in every version of Node. */
function withImportInHook(source: string): string {
  const names = /^import (\{.+\}) from 'trunkline';$/m.exec(source)?.[1] ?? '';
  const declared = source.replace(`import ${names} from 'trunkline';`, `let ${names.slice(1, -1)};`);
  return asCommonJs(declared).replace(
    'beforeAll(async () => {',
    `beforeAll(async () => {\n  (${names} = await import('trunkline'));`,
  );
}

interface Run {
  readonly name: string;
  /** Of the test file in a project folder of its own. */
  readonly file: string;
  readonly source: (module: string) => string;
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments of Node, which runs in that folder. */
  readonly args: readonly string[];
  /** What is printed when all tests passed. */
  readonly passed: RegExp;
  /** Another Node than the one that runs this. */
  readonly node?: string;
  readonly skipped?: string | undefined;
}

const same = (module: string): string => module;
const json = JSON.stringify;
const byJest = { passed: new RegExp(`^Tests: +${TESTS} passed, ${TESTS} total$`, 'm') };
const jestArgs = [jest, '--detectOpenHandles', '--cacheDirectory', 'cache'];

/** A Node of 24.9 or later, whose path CI gives. */
const later = process.argv[3];

const runs: readonly Run[] = [
  {
    ...byJest,
    name: 'jest, CommonJS by Babel, the package too',
    file: 'calls.test.js',
    source: same,
    files: {
      'babel.config.json': json({ plugins: babelPlugins }),
      'jest.config.json': json({ transformIgnorePatterns: ['/node_modules/(?!trunkline/)'] }),
    },
    args: jestArgs,
  },
  {
    ...byJest,
    name: 'jest, CommonJS, import() of the package',
    file: 'calls.test.js',
    source: withImportInHook,
    files: { 'jest.config.json': '{}' },
    args: [vmModules, ...jestArgs],
  },
  {
    ...byJest,
    name: 'jest, CommonJS, require() of the package',
    file: 'calls.test.js',
    source: asCommonJs,
    files: { 'jest.config.json': '{}' },
    args: [vmModules, ...jestArgs],
    node: later ?? process.execPath,
    skipped: later === undefined ? 'needs Node 24.9 or later as an argument' : undefined,
  },
  {
    ...byJest,
    name: 'jest, ES modules',
    file: 'calls.test.mjs',
    source: same,
    files: { 'jest.config.json': json({ transform: {}, testMatch: ['**/*.test.mjs'] }) },
    args: [vmModules, ...jestArgs],
  },
  {
    name: 'vitest',
    file: 'calls.test.mjs',
    source: same,
    args: ['../node_modules/vitest/vitest.mjs', 'run', '--globals'],
    passed: new RegExp(`Tests +${TESTS} passed \\(${TESTS}\\)`),
  },
  {
    name: 'mocha, ES modules',
    file: 'calls.test.mjs',
    source: same,
    args: ['../node_modules/mocha/bin/mocha.js', 'calls.test.mjs'],
    passed: new RegExp(`^ +${TESTS} passing`, 'm'),
  },
  {
    name: 'mocha, CommonJS, require() of the package',
    file: 'calls.test.cjs',
    source: asCommonJs,
    args: ['../node_modules/mocha/bin/mocha.js', 'calls.test.cjs'],
    passed: new RegExp(`^ +${TESTS} passing`, 'm'),
  },
];

/** What runners print when something keeps them from ending, or is left open. */
const LEFT_OPEN = /open handle|did not exit|close timed out|failed to exit/i;

async function test({ name, file, source, files = {}, args, passed, node = process.execPath }: Run): Promise<void> {
  const path = join(folder, name.replaceAll(/[^a-z]+/gi, '-'));
  await mkdir(path);
  const module = await readFile(join(root, 'test/ecosystem/user/calls.test.mjs'), 'utf8');
  await writeFile(join(path, file), source(module));
  for (const [config, text] of Object.entries(files)) await writeFile(join(path, config), text);
  // Jest takes the runner's own variables for a run inside of another.
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', NODE_OPTIONS: '' };
  const printed = await output(node, args, { cwd: path, env });
  // oxlint-disable-next-line no-control-regex -- colours
  const plain = printed.replaceAll(/\u001B\[[0-9;]*m/g, '');
  if (!passed.test(plain) || LEFT_OPEN.test(plain)) throw new Error(`it printed:\n${plain}`);
}

export const runners: Step = {
  folder,
  packages,
  withTrunkline: true,
  cases: (): readonly Case[] =>
    runs.map((each) => ({ name: `E3 ${each.name}`, skipped: each.skipped, run: () => test(each) })),
};
