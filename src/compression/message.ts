/**
 * The body of a message with the flag COMPRESSED: `codec u8 | rawLength u32 | data`. Both directions are pure and
 * synchronous; the connection calls `compressMessage` before it cuts a message into frames and `decompressMessage` once
 * one is whole.
 *
 * Invariants of decompression, for any bytes: nothing is decoded unless rawLength <= messageBytesMax and rawLength <=
 * ratioMax x data; what comes back has exactly rawLength bytes, all of them restored from this data; whatever is wrong
 * is an `RpcError` of this one call.
 */

import { reasonOf } from '../base/error-values.js';
import { limitError, RpcError } from '../base/errors.js';
import { defaultLimits, limitOf } from '../base/limits.js';
import { type CompressionChoice, worthKeeping } from './choice.js';
import type { Compressor } from './compressor.js';

/** Codec and raw length in front of the data. */
const headerBytes = 5;

/**
 * The compressed body for the bytes `start` to `end` of `source`, in a buffer of its own, or null when the message is
 * better sent as it is. Without a `choice` nothing is remembered: every message from 4 KiB on is tried.
 */
export function compressMessage(
  compressor: Compressor,
  source: Buffer,
  start: number,
  end: number,
  choice?: CompressionChoice,
): Buffer | null {
  const rawBytes = end - start;
  if (choice === undefined ? rawBytes < defaultLimits.compressionBytesMin : !choice.tries(rawBytes)) return null;
  const data = compressor.compress(source, start, end);
  const kept = worthKeeping(rawBytes, headerBytes + data.length);
  choice?.settle(kept);
  if (!kept) return null;
  const body = Buffer.allocUnsafe(headerBytes + data.length);
  body[0] = compressor.id;
  body.writeUInt32LE(rawBytes, 1);
  data.copy(body, headerBytes);
  return body;
}

/**
 * The message behind the compressed body `start` to `end` of `body`, in a buffer of its own. `accepted` are the codecs
 * that this side listed in HELLO; it need not be the codec that this side sends with.
 */
export function decompressMessage(
  body: Buffer,
  start: number,
  end: number,
  accepted: readonly Compressor[],
  messageBytesMax: number,
): Buffer {
  const dataBytes = end - start - headerBytes;
  if (dataBytes < 0) {
    throw damaged(`a compressed message of ${end - start} bytes has no codec and length`);
  }
  const compressor = acceptedCodec(body[start], accepted);
  const rawLength = body.readUInt32LE(start + 1);
  if (rawLength > messageBytesMax) {
    const limit = limitOf({ messageBytesMax }, 'messageBytesMax');
    throw limitError(`message of ${rawLength} bytes (compressed: ${dataBytes})`, limit);
  }
  if (rawLength > compressor.ratioMax * dataBytes) {
    throw damaged(`${dataBytes} bytes of ${compressor.name} cannot hold the ${rawLength} bytes that are claimed`);
  }
  const message = restore(compressor, body.subarray(start + 1, end), rawLength);
  if (message.length !== rawLength) {
    throw damaged(`${compressor.name} data holds ${message.length} bytes, not the ${rawLength} that are claimed`);
  }
  return message;
}

function acceptedCodec(id: number, accepted: readonly Compressor[]): Compressor {
  for (const compressor of accepted) {
    if (compressor.id === id) return compressor;
  }
  const names = accepted.map((compressor) => compressor.name).join(', ') || 'none';
  throw damaged(`message compressed with codec ${id}, which was not offered (offered: ${names})`);
}

function restore(compressor: Compressor, sized: Buffer, rawLength: number): Buffer {
  try {
    return compressor.decompress(sized, rawLength);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new RpcError('INVALID_ARGUMENT', `damaged ${compressor.name} data: ${reason}`, { cause });
  }
}

function damaged(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}
