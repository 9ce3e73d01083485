/** `trunkline/wire`: frames without calls, for those who build on them. */
export { ACCEPTING_SIDE, callNumber, generationOf, nextGeneration, openerOf, slotOf } from './call-number.js';
export {
  CHECKSUM_BYTES,
  CloseCode,
  closeCodeName,
  Flag,
  FrameType,
  frameTypeName,
  HEADER_BYTES,
  PREFACE,
  PROTOCOL_VERSION,
} from './constants.js';
export { FAILED, FRAME, FrameDecoder, type FrameDecoderOptions, NEED_MORE } from './decoder.js';
export { encodeFrame, type FrameParts, writeHeader } from './encoder.js';
export { type FrameChecksums, frameChecksums } from './frame-checksums.js';
export { WireError } from './wire-error.js';
