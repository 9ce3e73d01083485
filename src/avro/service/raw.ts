/**
 * Messages without Avro: a method whose `request` or `response` is `raw` carries bytes as they are, for frameworks that bring
 * a serializer of their own. There is no schema, so nothing is compared with the peer except that it means raw bytes too.
 */
import { types } from 'node:util';
import { RpcError } from '../../base/errors.js';
import { declareBytesCodec, type MessageCodec, type Resolution } from '../../wire/message-codec.js';
import { isDetached, lengthOf } from '../encoding/value-kinds.js';

/**
 * Takes any `Uint8Array`; a request or item may change once it was sent: when its promise has settled, or the
 * next item is asked for. An answer of more than 64 KiB must not change until it has left. Gives a
 * `Buffer` of its own.
 */
export interface RawCodec extends MessageCodec<Uint8Array> {
  decode(from: Buffer, start: number, end: number): Buffer;
}

const identical = (codec: MessageCodec | null): Resolution => ({ grade: 'identical', codec, path: '', reason: '' });

const breaking: Resolution = Object.freeze<Resolution>({
  grade: 'breaking',
  codec: null,
  path: '',
  reason: 'this side carries raw bytes, the peer an Avro schema',
});

/**
 * Raw bytes in place of a schema: `unary({ request: raw, response: raw })`. `encode` throws an `RpcError` (INVALID_ARGUMENT)
 * for anything but a `Uint8Array`; `decode` never fails.
 */
export const raw: RawCodec = {
  fingerprint: null,
  schemaText: '',

  encode(value: Uint8Array, into: Buffer, offset: number): number {
    if (!types.isUint8Array(value)) {
      throw new RpcError('INVALID_ARGUMENT', 'a raw message must be a Buffer or a Uint8Array');
    }
    if (isDetached(value)) {
      throw new RpcError('INVALID_ARGUMENT', 'the bytes of a raw message were transferred: nothing is left of them');
    }
    const end = offset + lengthOf(value);
    if (end > into.length) return into.length - end;
    into.set(value, offset);
    return end;
  },

  decode(from: Buffer, start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    from.copy(bytes, 0, start, end);
    return bytes;
  },

  resolveWriter: (writerSchemaText: string) => (writerSchemaText === '' ? identical(raw) : breaking),
  gradeReader: (readerSchemaText: string) => (readerSchemaText === '' ? identical(null) : breaking),
};

declareBytesCodec(raw);
Object.freeze(raw);
