/** Whether and how the messages of a method are compressed towards a peer. */
import { CompressionChoice } from '../../compression/choice.js';
import type { Compressor } from '../../compression/compressor.js';
import type { CompressionName } from '../../wire/message-codec.js';

/** How the messages of one method in one direction are compressed. */
export interface MethodCompression {
  readonly compressor: Compressor | null;
  /** Messages of at least this many bytes; Infinity: none. */
  readonly bytesMin: number;
  readonly choice: CompressionChoice | undefined;
}

/** How a connection compresses messages. */
export interface CompressionSettings {
  /** How messages are compressed unless their method says otherwise. */
  readonly compression: CompressionName;
  /** Codecs that are loaded: announced to the peer, and used towards it. */
  readonly compressors: readonly Compressor[];
  /** Messages of at least this many bytes are worth compressing. */
  readonly compressionBytesMin: number;
}

export const noCompression: MethodCompression = { compressor: null, bytesMin: Infinity, choice: undefined };

/** The method's own setting overrides the connection's. Only codecs that the peer announced are used. */
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
