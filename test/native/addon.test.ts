/** The addon as a process finds it: used where it was built, not where it is turned off or not what it should be. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { projectRoot } from '../support/root.js';
import { addonPath, buildAddons } from './addon-build.js';
import { defining } from './peer-program.js';

const missing = buildAddons().missing[0]?.reason ?? null;
const testWith = defining(test);

const program = `
  const { nativeStatus } = await import('trunkline-root/base/native.js');
  const { checksumTwin, frameChecksums } = await import('trunkline-root/wire/frame-checksums.js');
  console.log(JSON.stringify([nativeStatus().text, frameChecksums() === checksumTwin()]));
`;

/** A package of the built code, with this file (null: none) as its addon. Says what is used, whether that is the twin, and what is warned of. */
function load(addon: string | null, env: Readonly<Record<string, string>> = {}): readonly [string, boolean, string] {
  const root = mkdtempSync(join(tmpdir(), 'trunkline-addon-'));
  try {
    writeFileSync(
      join(root, 'package.json'),
      JSON.stringify({ name: 'trunkline', type: 'module', exports: { './package.json': './package.json' } }),
    );
    symlinkSync(fileURLToPath(new URL('node_modules', projectRoot)), join(root, 'node_modules'));
    const source = fileURLToPath(new URL('.build/src', projectRoot));
    for (const folder of ['base', 'wire']) cpSync(join(source, folder), join(root, folder), { recursive: true });
    mkdirSync(join(root, 'native/build'), { recursive: true });
    if (addon !== null) copyFileSync(addon, join(root, 'native/build/trunkline.node'));
    const text = program.replaceAll('trunkline-root', `file://${root}`);
    const redirected = `process.on('warning', ({ message }) => console.log(JSON.stringify(message)));${text}
      await new Promise(setImmediate);`;
    const output = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', redirected], {
      encoding: 'utf8',
      env: { ...process.env, TRUNKLINE_NATIVE: '', ...env },
    });
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const [used, isTwin] = lines.find((line) => Array.isArray(line)) as [string, boolean];
    return [used, isTwin, (lines.find((line) => typeof line === 'string') as string | undefined) ?? ''];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('without the addon the twin is used, without a word', () => {
  assert.equal(load(null), ['not built', true, '']);
});

test('what is no addon is not used, and that is said', () => {
  const file = fileURLToPath(new URL('package.json', projectRoot));
  const [, isTwin, warning] = load(file);
  assert.ok(isTwin);
  assert.match(warning, /the addon of trunkline is not used: .*npm run build:native/);
});

testWith(missing, 'the addon is used where it was built', () => {
  const [used, isTwin, warning] = load(addonPath);
  assert.match(used, /^(?:pclmul|armv8|tables)$/);
  assert.equal([isTwin, warning], [false, '']);
});

testWith(missing, 'TRUNKLINE_NATIVE=0 turns it off', () => {
  assert.equal(load(addonPath, { TRUNKLINE_NATIVE: '0' }), ['turned off by TRUNKLINE_NATIVE=0', true, '']);
});

test.run();
