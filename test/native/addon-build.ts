/** The addon of `native/addon`, built for tests: with what this processor has, and with what every processor has. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeKernels } from '../../src/base/native.js';
import { projectRoot } from '../support/root.js';

const source = fileURLToPath(new URL('native/addon', projectRoot));
const variants = [
  ['the addon', 'fast', '-O2'],
  ['the addon for any processor', 'portable', '-O2 -DCRC32_PORTABLE'],
] as const;

export interface Addons {
  readonly built: readonly (readonly [name: string, kernels: NativeKernels])[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

function has(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Where `buildAddons` puts the one that uses what this processor has. */
export const addonPath: string = pathOf('fast');

function pathOf(folder: string): string {
  return fileURLToPath(new URL(`.build/native-addon-${folder}/trunkline.node`, projectRoot));
}

/** Throws, with the compiler's output, when all that it needs is there and it does not build. */
export function buildAddons(): Addons {
  const tool = ['make', 'cc'].find((one) => !has(one));
  if (tool !== undefined) return without(`there is no ${tool} (apt-get install gcc make libc6-dev)`);
  const built: [string, NativeKernels][] = [];
  const require = createRequire(import.meta.url);
  for (const [name, folder, flags] of variants) {
    const path = pathOf(folder);
    try {
      const args = ['-s', '-C', source, `OUT=${dirname(path)}`, `CFLAGS=${flags}`];
      execFileSync('make', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      const { stderr } = error as { readonly stderr?: string };
      if (stderr?.includes('no node_api.h')) return without(stderr.split('\n')[0] ?? '');
      throw error;
    }
    built.push([name, require(path) as NativeKernels]);
  }
  return { built, missing: [] };
}

function without(reason: string): Addons {
  return { built: [], missing: variants.map(([name]) => ({ name, reason })) };
}
