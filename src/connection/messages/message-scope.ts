/** What an incoming message needs of its connection: limits, the ledger of its bytes, and decompression. */
import type { Limits } from '../../base/limits.js';
import type { Compressor } from '../../compression/compressor.js';
import type { AssemblyLedger } from './assembly.js';

export interface MessageScope {
  /** This side's settings. */
  readonly limits: Limits;
  /** Bytes of unfinished messages. */
  readonly ledger: AssemblyLedger;
  /** Codecs that this side announced. */
  readonly acceptedCompressors: readonly Compressor[];
  readonly reader: {
    /** True: the caller owns the buffer of the current frame and may keep its payload. False: it must copy what it keeps. */
    claim(buffer: Buffer): boolean;
  };
}
