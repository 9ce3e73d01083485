/**
 * LZ4 blocks through the optional package `lz4-napi`, which is imported here and nowhere else, and only when LZ4 was
 * asked for. The package writes and reads `rawLength u32 | block`, which is the wire's form as well, so nothing is
 * copied on the way in.
 *
 * What a peer sent is decoded by native code, so its decoder must refuse a match that reaches outside the bytes already
 * written. Up to lz4-napi 2.9.0 it did not (RUSTSEC-2026-0041, and some blocks ended the process); since 2.9.1 it
 * agrees with a strict decoder on every input that was tried. A walk over the block's tokens in JavaScript would cost
 * another 40 % of each decompression, so instead the package is examined once, when it is loaded.
 */

import { reasonOf } from '../base/error-values.js';
import { RpcError, systemCode } from '../base/errors.js';
import { importPackage } from '../base/optional-package.js';
import type { Compressor } from './compressor.js';

/** The part of lz4-napi that is used. Its own types stay out of the public declarations: the package is optional. */
export interface Lz4Package {
  compressSync(data: Buffer): Buffer;
  uncompressSync(data: Buffer): Buffer;
}

/** Where the package comes from; tests replace it. */
export type Lz4Import = () => Promise<Lz4Package>;

const lengthBytes = 4;

/** Imports lz4-napi. FAILED_PRECONDITION when it is missing, does not load here, or is too old for a peer's bytes. */
export async function loadLz4(load: Lz4Import = importLz4Napi): Promise<Compressor> {
  let lz4: Lz4Package;
  try {
    lz4 = await load();
  } catch (cause) {
    throw new RpcError('FAILED_PRECONDITION', absenceText(cause), { cause });
  }
  if (!refusesForgedBlocks(lz4)) {
    throw new RpcError(
      'FAILED_PRECONDITION',
      "compression 'lz4' refuses this version of the package lz4-napi: its decoder accepts forged blocks" +
        ' (RUSTSEC-2026-0041). Update it: npm install lz4-napi@^2.10.0',
    );
  }
  return {
    name: 'lz4',
    id: 1,
    ratioMax: 255,
    compress: (message, start, end) => lz4.compressSync(message.subarray(start, end)).subarray(lengthBytes),
    decompress: (sized) => lz4.uncompressSync(sized),
  };
}

async function importLz4Napi(): Promise<Lz4Package> {
  const { default: lz4 } = await importPackage('lz4-napi');
  return lz4;
}

function absenceText(cause: unknown): string {
  const message = reasonOf(cause);
  const needs = "compression 'lz4' needs the optional package lz4-napi, which";
  if (systemCode(cause) === 'ERR_MODULE_NOT_FOUND' && message.includes("'lz4-napi'")) {
    return `${needs} is not installed: npm install lz4-napi`;
  }
  const platform = `${process.platform}-${process.arch}`;
  return `${needs} does not load on ${platform} (reinstall it there: npm install lz4-napi): ${message}`;
}

/**
 * Blocks that must be refused, each with its length in front: one literal, then a match at offset 0 or behind the start
 * of the output, near the block's end and far from it (the decoder's fast loop). Old versions answer them, they do not
 * crash on them.
 */
const forgedBlocks: readonly Buffer[] = [forgedBlock(0, 5), forgedBlock(0, 55), forgedBlock(2, 5), forgedBlock(9, 55)];

function forgedBlock(offset: number, tailBytes: number): Buffer {
  const match = [0x10, 0x41, offset, 0];
  const tail = tailBytes < 15 ? [tailBytes << 4] : [0xf0, tailBytes - 15];
  const block = [...match, ...tail, ...Buffer.alloc(tailBytes, 0x42)];
  return Buffer.from([1 + 4 + tailBytes, 0, 0, 0, ...block]);
}

function refusesForgedBlocks(lz4: Lz4Package): boolean {
  return forgedBlocks.every((block) => {
    try {
      lz4.uncompressSync(block);
      return false;
    } catch {
      return true;
    }
  });
}
