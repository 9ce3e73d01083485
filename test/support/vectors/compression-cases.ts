/** Compressed messages (spec/protocol.md, 3.7). The LZ4 blocks are written by hand, the gzip data once by gzip. */
import { u32 } from './bytes.js';
import { callError } from './case-builders.js';
import type { CompressionCase, ErrorView, HexView } from './view.js';

const LIMIT = 65_536;
const invalid = callError('INVALID_ARGUMENT');

interface Made {
  readonly codec?: number;
  readonly rawLength: number;
  readonly data: string;
  readonly accepted?: readonly string[];
  readonly faults?: readonly string[];
}

function made(
  description: string,
  { codec = 1, rawLength, data, accepted, faults }: Made,
  message: HexView | null,
  error: ErrorView | null,
): CompressionCase {
  return {
    description,
    ...(faults === undefined ? {} : { faults }),
    accepted: accepted ?? ['lz4', 'gzip'],
    messageBytesMax: LIMIT,
    wire: Buffer.from([codec]).toString('hex') + u32(rawLength).toString('hex') + data.replaceAll(' ', ''),
    message,
    error,
  };
}
const stands = (description: string, parts: Made, message: HexView) => made(description, parts, message, null);
const refused = (description: string, parts: Made, error: ErrorView = invalid) => made(description, parts, null, error);

/** 3 literals 'abc', a match at offset 3 of 19 + 8 bytes, 5 literals 'xyzzy'. */
const repeating = '3f 616263 0300 08 50 78797a7a79';
const repeatingMessage: HexView = [{ repeat: '616263', times: 10 }, '78797a7a79'];
/** 'hello hello hello hello\n' */
const helloGzip = '1f8b0800000000000003cb48cdc9c957c84027b9000088590b18000000';

export const compressionCases: readonly CompressionCase[] = [
  stands('LZ4: literals only', { rawLength: 5, data: '50 6162636465' }, '6162636465'),
  stands('LZ4: a match', { rawLength: 35, data: repeating }, repeatingMessage),
  stands('LZ4: an empty message', { rawLength: 0, data: '00' }, ''),
  refused('nothing at all', { rawLength: 0, data: '' }),
  refused('codec 0', { codec: 0, rawLength: 5, data: '50 6162636465' }),
  refused('an unassigned codec', { codec: 3, rawLength: 5, data: '50 6162636465' }),
  refused('a codec that the receiver did not list', {
    rawLength: 5,
    data: '50 6162636465',
    accepted: ['gzip'],
    faults: ['B31'],
  }),
  refused(
    'LZ4: rawLength one above messageBytesMax',
    { rawLength: LIMIT + 1, data: '00'.repeat(1_000), faults: ['B32'] },
    callError('RESOURCE_EXHAUSTED'),
  ),
  refused(
    'LZ4: rawLength of 2^32 - 1',
    { rawLength: 2 ** 32 - 1, data: repeating, faults: ['B32'] },
    callError('RESOURCE_EXHAUSTED'),
  ),
  refused('LZ4: rawLength one above 255 bytes per byte', {
    rawLength: 255 * 6 + 1,
    data: '50 6162636465',
    faults: ['B32'],
  }),
  refused('LZ4: rawLength one too small', { rawLength: 4, data: '50 6162636465', faults: ['B33'] }),
  refused('LZ4: rawLength one too large', { rawLength: 6, data: '50 6162636465', faults: ['B33'] }),
  refused('LZ4: a match at offset 0', { rawLength: 35, data: '3f 616263 0000 08 50 78797a7a79', faults: ['B34'] }),
  refused('LZ4: a match in front of the message', {
    rawLength: 35,
    data: '3f 616263 0400 08 50 78797a7a79',
    faults: ['B34'],
  }),
  refused('LZ4: cut inside the literals', { rawLength: 5, data: '50 61626364', faults: ['B34'] }),
  refused('LZ4: cut inside a match', { rawLength: 35, data: '3f 616263 03', faults: ['B34'] }),
  refused('LZ4: bytes behind the end', { rawLength: 5, data: '50 6162636465 00', faults: ['B34'] }),
  stands('gzip', { codec: 2, rawLength: 24, data: helloGzip }, '68656c6c6f2068656c6c6f2068656c6c6f2068656c6c6f0a'),
  refused('gzip: rawLength one too small', { codec: 2, rawLength: 23, data: helloGzip, faults: ['B33'] }),
  refused('gzip: rawLength one too large', { codec: 2, rawLength: 25, data: helloGzip, faults: ['B33'] }),
  refused('gzip: rawLength above 1,032 bytes per byte', {
    codec: 2,
    rawLength: 29 * 1_032 + 1,
    data: helloGzip,
    faults: ['B32'],
  }),
  refused('gzip: cut', { codec: 2, rawLength: 24, data: helloGzip.slice(0, -2), faults: ['B34'] }),
  refused('gzip: bytes behind the end', { codec: 2, rawLength: 24, data: `${helloGzip}00`, faults: ['B34'] }),
  refused('gzip: a wrong checksum', {
    codec: 2,
    rawLength: 24,
    data: helloGzip.replace('0088590b', '0088590c'),
    faults: ['B34'],
  }),
  refused('gzip: no gzip', { codec: 2, rawLength: 5, data: '50 6162636465', faults: ['B34'] }),
];
