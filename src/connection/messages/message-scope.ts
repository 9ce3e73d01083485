/** What a message that comes in needs of its connection: bounds, where its bytes are counted, and who can expand it. */
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
    /** Gives the buffer of the frame at hand to whoever keeps its payload, or says no: then that is copied. */
    claim(buffer: Buffer): boolean;
  };
}
