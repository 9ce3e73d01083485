/** How the decoders of the protocol's own records refuse: a connection error that names the record. */
import { CloseCode } from '../constants.js';
import { WireError } from '../wire-error.js';
import { ByteReader } from './byte-reader.js';

/** A reader of one record; every violation is a `WireError` BAD_RECORD. */
export function recordReader(record: string, buffer: Buffer, start: number, end: number): ByteReader {
  return new ByteReader(buffer, start, end, (text) => new WireError(CloseCode.BAD_RECORD, `${record}: ${text}`));
}
