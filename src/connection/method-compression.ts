/** Whether and how the messages of a method are compressed towards a peer. */
import { CompressionChoice } from '../compression/choice.js';
import type { Compressor } from '../compression/compressor.js';
import type { CompressionName } from '../wire/message-codec.js';
import type { ConnectionOptions } from './connection-options.js';

/** How the messages of one method in one direction are compressed. */
export interface MethodCompression {
  readonly compressor: Compressor | null;
  /** From so many bytes on; Infinity: never. */
  readonly bytesMin: number;
  readonly choice: CompressionChoice | undefined;
}

export const noCompression: MethodCompression = { compressor: null, bytesMin: Infinity, choice: undefined };

/** The method's own setting goes before the connection's; nothing is compressed that the peer did not say it accepts. */
export function methodCompression(
  options: ConnectionOptions,
  peerAccepts: readonly string[],
  method: CompressionName | undefined,
): MethodCompression {
  const name = method ?? options.compression;
  if (name === 'off' || !peerAccepts.includes(name)) return noCompression;
  const compressor = options.compressors.find((candidate) => candidate.name === name) ?? null;
  if (compressor === null) return noCompression;
  const bytesMin = options.compressionBytesMin;
  return { compressor, bytesMin, choice: new CompressionChoice(bytesMin) };
}
