/**
 * Loads the optional addon, which `npm run build:native` builds from `native/addon`. It is never required: each of its kernels has a twin
 * in JavaScript. `TRUNKLINE_NATIVE=0` in the environment turns it off. It is looked for once, when it is first needed.
 */
import { existsSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import { reasonOf } from './error-values.js';

/** What the addon exports: see native/addon/src/addon.c. */
export interface NativeKernels {
  readonly version: number;
  /** How checksums are calculated: `pclmul`, `armv8` or `tables`. */
  readonly kernel: string;
  fill(bytes: Uint8Array, start: number, end: number): void;
  verify(bytes: Uint8Array, start: number, end: number): number;
  add(sum: number, bytes: Uint8Array): number;
}

export interface NativeStatus {
  /** Null: the twins are used. */
  readonly kernels: NativeKernels | null;
  /** What is used, or why there is none, for people. */
  readonly text: string;
}

/** The version whose functions this file describes. */
const VERSION = 1;

let status: NativeStatus | null = null;

export function nativeStatus(): NativeStatus {
  status ??= find();
  return status;
}

function find(): NativeStatus {
  if (process.env['TRUNKLINE_NATIVE'] === '0') return { kernels: null, text: 'turned off by TRUNKLINE_NATIVE=0' };
  let load: NodeJS.Require;
  let path: string;
  try {
    // In a bundle of CommonJS there is no `import.meta.url`, and this throws.
    load = Module.createRequire(import.meta.url);
    path = join(dirname(load.resolve('trunkline/package.json')), 'native/build/trunkline.node');
  } catch {
    return { kernels: null, text: 'this code is not in its package, where the addon is looked for' };
  }
  if (!existsSync(path)) return { kernels: null, text: 'not built' };
  try {
    const kernels: NativeKernels = load(path);
    const wrong = describeWrong(kernels);
    if (wrong === null) return { kernels, text: kernels.kernel };
    return unusable(wrong);
  } catch (error) {
    return unusable(reasonOf(error));
  }
}

/** The check value of CRC-32, and an ITEM of the same nine bytes. */
function describeWrong(kernels: NativeKernels): string | null {
  if (kernels.version !== VERSION) return `it has version ${kernels.version}, not ${VERSION}`;
  const frame = Buffer.from('0d0000000000010006400000' + '00000000' + '313233343536373839', 'hex');
  kernels.fill(frame, 0, frame.length);
  const sum = kernels.add(kernels.add(0, frame.subarray(0, 12)), frame.subarray(16));
  const right = kernels.add(0, Buffer.from('123456789')) === 0xcbf4_3926 && frame.readUInt32LE(12) === sum;
  return right && kernels.verify(frame, 0, frame.length) === frame.length ? null : 'it calculates wrong sums';
}

/** The addon was built on purpose, so a warning says why it is not used. */
function unusable(why: string): NativeStatus {
  process.emitWarning(`the addon of trunkline is not used: ${why}; build it again with npm run build:native`);
  return { kernels: null, text: why };
}
