/**
 * Bundles a program by each bundler, as ES modules and CommonJS, with as little configuration as each allows, and runs the bundle in a
 * folder of its own.
 */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { COMMAND_MS_MAX, root, run, type Step, stepFolder } from './cases.js';

const folder = stepFolder('bundlers');
const app = join(root, 'test/ecosystem/bundled-app.mjs');
const packages = [
  'esbuild@0.25.12',
  'webpack@5.113.0',
  'webpack-cli@6.0.1',
  'rollup@4.68.8',
  '@rollup/plugin-node-resolve@16.0.3',
  'vite@7.3.8',
  'bun@1.4.5',
];

interface Bundle {
  readonly file: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A file that is written before. */
  readonly config?: readonly [name: string, text: string];
}

function esbuild(format: string, extension: string): Bundle {
  const file = `esbuild.${extension}`;
  const args = [app, '--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`, '--log-level=warning'];
  return { file, program: 'esbuild', args };
}

function webpack(extension: string, more: object): Bundle {
  const file = `webpack.${extension}`;
  const output = { path: folder, filename: file };
  const settings = { mode: 'production', target: 'node20', entry: app, output, ...more };
  const config = `webpack-${extension}.config.cjs`;
  const text = `module.exports = ${JSON.stringify(settings)};`;
  return { file, program: 'webpack', args: ['--config', config, '--fail-on-warnings'], config: [config, text] };
}

function rollup(format: string, extension: string): Bundle {
  const file = `rollup.${extension}`;
  return { file, program: 'rollup', args: [app, '-p', 'node-resolve', '--format', format, '-o', file] };
}

function bun(format: string, extension: string): Bundle {
  const file = `bun.${extension}`;
  return { file, program: 'bun', args: ['build', app, '--target=node', `--format=${format}`, `--outfile=${file}`] };
}

const webpackModule = { path: folder, filename: 'webpack.mjs', module: true, library: { type: 'module' } };
const viteConfig = `export default {
  ssr: { noExternal: true },
  build: { rollupOptions: { output: { entryFileNames: 'vite.mjs' } } },
};`;

const all: readonly Bundle[] = [
  esbuild('esm', 'mjs'),
  esbuild('cjs', 'cjs'),
  webpack('mjs', { experiments: { outputModule: true }, output: webpackModule }),
  webpack('cjs', {}),
  rollup('es', 'mjs'),
  rollup('cjs', 'cjs'),
  {
    file: 'vite/vite.mjs',
    program: 'vite',
    args: ['build', '--ssr', app, '--outDir', 'vite', '--config', 'vite.config.mjs'],
    config: ['vite.config.mjs', viteConfig],
  },
  bun('esm', 'mjs'),
  bun('cjs', 'cjs'),
];

async function make({ program, args, config }: Bundle): Promise<void> {
  if (config !== undefined) await writeFile(join(folder, config[0]), config[1]);
  await run(join(folder, 'node_modules/.bin', program), args, { cwd: folder, timeout: COMMAND_MS_MAX });
}

/** What the bundle prints in a folder that holds nothing else, or avsc and lz4-napi too. */
async function answer(file: string, withPackages: boolean): Promise<Record<string, unknown>> {
  const alone = await mkdtemp(join(tmpdir(), 'trunkline-bundle-'));
  try {
    await cp(join(folder, file), join(alone, basename(file)));
    await mkdir(join(alone, 'node_modules'));
    for (const name of withPackages ? ['avsc', 'lz4-napi'] : [])
      await symlink(join(root, 'node_modules', name), join(alone, 'node_modules', name));
    const { stdout } = await run(process.execPath, [basename(file)], { cwd: alone, timeout: COMMAND_MS_MAX });
    const printed: Record<string, unknown> = JSON.parse(stdout);
    return printed;
  } finally {
    await rm(alone, { recursive: true });
  }
}

function check(what: string, value: unknown, allowed: readonly unknown[]): void {
  if (!allowed.some((each) => (each instanceof RegExp ? each.test(String(value)) : each === value)))
    throw new Error(`${what} is ${JSON.stringify(value)}`);
}

async function test(bundle: Bundle): Promise<void> {
  await make(bundle);
  const whole = await answer(bundle.file, true);
  const bare = await answer(bundle.file, false);
  for (const { text, sum } of [whole, bare]) {
    check('the note', text, ['北京']);
    check('the sum', sum, [7]);
  }
  check('IDL with avsc', whole['shouted'], ['LOUD']);
  // Some write the place of this package into the bundle, and avsc is found from there.
  check('IDL without avsc', bare['shouted'], ['LOUD', /^FAILED_PRECONDITION: .*npm install avsc/]);
  check('LZ4 with its package', whole['lz4'], ['lz4']);
  check('LZ4 without its package', bare['lz4'], [/^FAILED_PRECONDITION: .*npm install lz4-napi/]);
}

export const bundles: Step = {
  folder,
  packages,
  withTrunkline: false,
  cases: () => all.map((bundle) => ({ name: `E2 ${bundle.file}`, run: () => test(bundle) })),
};
