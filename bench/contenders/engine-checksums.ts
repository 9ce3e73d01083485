/** The engine with checksums on both sides: calculated by the addon, or by its twin. One of them a process, since a process has one or the other. */
import { nativeStatus } from '../../src/base/native.js';
import type { Contender } from './contender.js';
import { Echo, engineWith } from './engine.js';

const engineChecksums = engineWith(Echo, { checksums: true });

export function checksumsByTwin(): Contender {
  process.env['TRUNKLINE_NATIVE'] = '0';
  return expecting(false);
}

export function checksumsByAddon(): Contender {
  return expecting(true);
}

function expecting(addon: boolean): Contender {
  const { kernels, text } = nativeStatus();
  if ((kernels !== null) !== addon) throw new Error(`the addon: ${text}`);
  return engineChecksums;
}
