/** The tests of codecs, once more where no code may be generated from strings: the interpreter has to do all that they ask. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onlyIn } from '../../support/runtime.js';

const files = [
  'bounded-random',
  'codec',
  'codec-interop',
  'codec-resolve',
  'evolution-random',
  'guard',
  'guard-random',
  'logical-types',
  'service-errors',
  'service-raw',
  'service-values',
  'values',
];
/** Those that have nothing to do with avsc, which generates code too, also run under the flag itself. */
const withoutAvsc = ['guard', 'service-values', 'values'];
const LIMIT_MS = 110_000;

const noCode = new URL('no-code.js', import.meta.url).href;
const run = promisify(execFile);

async function passes(name: string, ...args: readonly string[]): Promise<void> {
  const path = fileURLToPath(new URL(`../${name}.test.js`, import.meta.url));
  const env = { ...process.env, TRUNKLINE_RANDOM_VALUES: '10000' };
  const { stdout } = await run(process.execPath, [...args, path], { env, timeout: LIMIT_MS }).catch(
    (error: unknown) => {
      const { stdout: out, stderr } = error as { readonly stdout: string; readonly stderr: string };
      throw new Error(`${name}: ${out}${stderr}`);
    },
  );
  assert.match(stdout, /Passed:\s+[1-9]/, name);
}

const inNode = onlyIn(test, ['node'], 'the options of Node are used');

for (const name of files) inNode(`A7 ${name} passes without generated code`, () => passes(name, '--import', noCode));

for (const name of withoutAvsc) {
  const flag = '--disallow-code-generation-from-strings';
  inNode(`A7 ${name} passes under Node's ${flag}`, () => passes(name, flag));
}

test.run();
