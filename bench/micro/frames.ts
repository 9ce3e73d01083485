/**
 * The frame decoder alone: small frames in chunks as a busy socket delivers them, and one long frame in chunks of a byte, of 1 KiB
 * and of 64 KiB. A long frame is the hard case for a decoder that must keep what it has; its cost must grow with its length and
 * not faster, so it is measured at two lengths.
 */
import { FrameType, HEADER_BYTES } from '../../src/wire/constants.js';
import { FRAME, FrameDecoder, NEED_MORE } from '../../src/wire/decoder.js';
import { encodeFrame } from '../../src/wire/encoder.js';
import type { MicroTask } from './suite.js';

const CHUNK_BYTES = 64 * 1024;
const SMALL_FRAMES = 8192;
const SMALL_PAYLOAD_BYTES = 46;

/** The frame and the bytes that `encodeFrame` makes, cut into chunks. */
function chunksOf(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

export function smallFramesTask(): MicroTask {
  const payload = Buffer.alloc(SMALL_PAYLOAD_BYTES, 'x');
  const frames = Array.from({ length: SMALL_FRAMES }, (_, i) =>
    encodeFrame({ type: FrameType.RESPONSE, call: i + 1, payload }),
  );
  const chunks = chunksOf(Buffer.concat(frames), CHUNK_BYTES);
  const decoder = new FrameDecoder({ preface: false });
  return {
    name: `frames of ${HEADER_BYTES} + ${SMALL_PAYLOAD_BYTES} bytes in chunks of 64 KiB`,
    units: SMALL_FRAMES,
    unit: 'frame',
    work() {
      let frameCount = 0;
      let calls = 0;
      for (const chunk of chunks) {
        decoder.push(chunk);
        for (; decoder.next() === FRAME; frameCount++) calls += decoder.call;
      }
      if (frameCount !== SMALL_FRAMES || calls !== (SMALL_FRAMES * (SMALL_FRAMES + 1)) / 2) {
        throw new Error('the decoder found other frames than were sent');
      }
    },
  };
}

export const chunkSizes = [1, 1024, 64 * 1024] as const;

export function longFrameName(frameBytes: number, chunkBytes: number): string {
  return `a frame of ${frameBytes / 1024} KiB in chunks of ${chunkBytes} bytes`;
}

export function longFrameTask(frameBytes: number, chunkBytes: number): MicroTask {
  const payload = Buffer.alloc(frameBytes, 'trunkline');
  const frame = encodeFrame({ type: FrameType.RESPONSE, call: 1, payload });
  // Views of single bytes would take a hundred times the frame's memory: one view a value does.
  const bytes = Array.from({ length: 256 }, (_, value) => Buffer.of(value));
  const chunks = chunkBytes === 1 ? null : chunksOf(frame, chunkBytes);
  return {
    name: longFrameName(frameBytes, chunkBytes),
    units: frameBytes,
    unit: 'byte',
    work() {
      const decoder = new FrameDecoder({ preface: false, frameBytesMax: frameBytes });
      let found: number = NEED_MORE;
      const take = (chunk: Buffer): void => {
        if (found !== NEED_MORE) throw new Error('the decoder was done too early');
        decoder.push(chunk);
        found = decoder.next();
      };
      if (chunks === null) for (const byte of frame) take(bytes[byte] as Buffer);
      else for (const chunk of chunks) take(chunk);
      const { buffer, start, end } = decoder;
      if (found !== FRAME || !buffer.subarray(start, end).equals(payload))
        throw new Error('the frame came out differently');
    },
  };
}
