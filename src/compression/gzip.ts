/**
 * gzip through `node:zlib`: always there, smaller than LZ4 and about ten times slower. Synchronous like every codec, so
 * it runs on the event loop; the fastest level keeps a 4 MiB message near 5 ms.
 */

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { Compressor } from './compressor.js';

const lengthBytes = 4;
/** Output is collected in chunks of this size at most, so a claimed length alone reserves no more. */
const chunkBytesMax = 64 * 1024;
/** node:zlib accepts no smaller chunk. */
const chunkBytesMin = 64;

export const gzip: Compressor = {
  name: 'gzip',
  id: 2,
  ratioMax: 1032,
  compress(message, start, end) {
    return gzipSync(message.subarray(start, end), { level: constants.Z_BEST_SPEED });
  },
  decompress(sized, rawLength) {
    const data = sized.subarray(lengthBytes);
    const options = {
      maxOutputLength: Math.max(1, rawLength),
      chunkSize: Math.min(Math.max(rawLength + 1, chunkBytesMin), chunkBytesMax),
      info: true,
    };
    const unpacked: unknown = gunzipSync(data, options);
    if (!isGunzipInfo(unpacked)) throw new Error('node:zlib did not say how many bytes it read');
    const { buffer, engine } = unpacked;
    // Zeros behind the last member end the reading without an error.
    if (engine.bytesWritten !== data.length) {
      throw new Error(`${data.length - engine.bytesWritten} trailing bytes`);
    }
    return buffer;
  },
};

/** What node:zlib's synchronous functions return with `info: true`, which its types leave out. */
interface GunzipInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function isGunzipInfo(value: unknown): value is GunzipInfo {
  return typeof value === 'object' && value !== null && 'engine' in value;
}
