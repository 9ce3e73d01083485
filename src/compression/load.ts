/**
 * From the `compression` setting to codecs in hand. Awaited when a channel connects or a server listens with
 * compression on, so that a missing package is reported there, by name, and the path of a message stays synchronous.
 */

import type { CompressionName } from '../wire/message-codec.js';
import type { Compressor, CompressorName } from './compressor.js';
import { gzip } from './gzip.js';
import { type Lz4Import, loadLz4 } from './lz4.js';

/** One codec, ready for use. FAILED_PRECONDITION when what it needs is not installed. */
export async function loadCompressor(name: CompressorName, importLz4?: Lz4Import): Promise<Compressor> {
  return name === 'gzip' ? gzip : loadLz4(importLz4);
}

/** The codecs behind all settings of one side (its own and its methods'), each once. Nothing is loaded for `off`. */
export async function loadCompressors(
  settings: Iterable<CompressionName>,
  importLz4?: Lz4Import,
): Promise<readonly Compressor[]> {
  const names = new Set<CompressorName>();
  for (const name of settings) if (name !== 'off') names.add(name);
  return Promise.all(Array.from(names, (name) => loadCompressor(name, importLz4)));
}
