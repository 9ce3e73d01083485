/** Whether and how the messages of a method are compressed towards a peer. */
import { CompressionChoice } from '../../compression/choice.js';
import type { Compressor } from '../../compression/compressor.js';
import type { CompressionName } from '../../wire/message-codec.js';

/** How the messages of one method in one direction are compressed. */
export interface MethodCompression {
  readonly compressor: Compressor | null;
  /** From so many bytes on; Infinity: never. */
  readonly bytesMin: number;
  readonly choice: CompressionChoice | undefined;
}

/** How a connection compresses messages. */
export interface CompressionSettings {
  /** How messages are compressed unless their method says otherwise. */
  readonly compression: CompressionName;
  /** Codecs that are loaded: announced to the peer, and used towards it. */
  readonly compressors: readonly Compressor[];
  /** From so many bytes on a message is worth compressing. */
  readonly compressionBytesMin: number;
}

export const noCompression: MethodCompression = { compressor: null, bytesMin: Infinity, choice: undefined };

/** The method's own setting goes before the connection's; nothing is compressed that the peer did not say it accepts. */
export function methodCompression(
  options: CompressionSettings,
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
