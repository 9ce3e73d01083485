/** Plain avsc for the rivals that carry bytes and leave the codec to the application: the fastest that Node has beside the engine's own. */
import avsc from 'avsc';
import { type Canonical, canonicalSchema } from '../../canonical.js';

export interface AvroCodec {
  readonly encode: (record: Canonical) => Buffer;
  readonly decode: (bytes: Buffer) => Canonical;
}

export function avroCodec(): AvroCodec {
  const type = avsc.Type.forSchema(canonicalSchema as unknown as avsc.Schema);
  return {
    encode: (record) => type.toBuffer(record),
    decode: (bytes) => type.fromBuffer(bytes) as Canonical,
  };
}

/** How a message of a workload becomes the bytes that such a rival carries. */
export interface Packing<Message> {
  readonly pack: (message: Message) => Buffer;
  readonly unpack: (bytes: Buffer) => Message;
}

export function recordPacking(): Packing<Canonical> {
  const { encode, decode } = avroCodec();
  return { pack: encode, unpack: decode };
}

export const bytesPacking: Packing<Buffer> = { pack: (bytes) => bytes, unpack: (bytes) => bytes };
