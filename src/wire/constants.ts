/**
 * The numbers of the wire, version 1, as in `spec/protocol.md`, registry of numbers. The words here, in the
 * specification and in the vectors are the same. A number that is retired stays reserved.
 */
import { keysOf } from '../base/tables.js';

export const PROTOCOL_VERSION = 1;

/** Bytes of a frame's header: `length u32 | call u32 | type u8 | flags u8 | method u16`, little-endian. */
export const HEADER_BYTES = 12;
/** Bytes of a frame's checksum, which stands between header and payload, and belongs to the payload's length. */
export const CHECKSUM_BYTES = 4;

/**
 * What each side sends first: 0x8D 'TKL' CR LF SUB LF. The high bit tells it from HTTP and shows a 7-bit channel, CR LF and
 * LF show a text-mode one, and no TLS record begins so.
 */
export const PREFACE: Uint8Array = Uint8Array.of(0x8d, 0x54, 0x4b, 0x4c, 0x0d, 0x0a, 0x1a, 0x0a);

/** The protocol's name where TLS negotiates one (ALPN). */
export const ALPN_PROTOCOL = 'trunkline/1';

export const FrameType = {
  HELLO: 1,
  METHOD: 2,
  SCHEMA: 3,
  REQUEST: 4,
  RESPONSE: 5,
  ITEM: 6,
  END: 7,
  FAILURE: 8,
  CANCEL: 9,
  CREDIT: 10,
  PING: 11,
  PONG: 12,
  DRAIN: 13,
  CLOSE: 14,
} as const;
export type FrameTypeName = keyof typeof FrameType;

/** Types from here on are optional: a receiver that does not know one skips the frame. */
export const OPTIONAL_FRAME_TYPE_MIN = 128;
/** Unknown optional frames in a row before the connection is closed with FLOOD. */
export const OPTIONAL_FRAMES_IN_ROW_MAX = 64;

export const Flag = {
  /** The message goes on in the next frame of this call. */
  MORE: 0x01,
  COMPRESSED: 0x02,
  METADATA: 0x04,
  DEADLINE: 0x08,
  ONEWAY: 0x10,
  LEDGER: 0x20,
  CHECKSUM: 0x40,
} as const;

/** Codes of a CLOSE frame: errors of the whole connection. */
export const CloseCode = {
  NONE: 0,
  BAD_PREFACE: 1,
  VERSION: 2,
  FRAME_SIZE: 3,
  FRAME_TYPE: 4,
  FLAGS: 5,
  PROTOCOL: 6,
  CALL_NUMBER: 7,
  FLOW_CONTROL: 8,
  FLOOD: 9,
  HANDSHAKE_TIMEOUT: 10,
  KEEPALIVE_TIMEOUT: 11,
  STALLED: 12,
  WRITE_QUEUE: 13,
  CHECKSUM: 14,
  TRUNCATED: 15,
  BAD_RECORD: 16,
  INTERNAL: 17,
  AUTH: 18,
  SHUTDOWN: 19,
  BUSY: 20,
} as const;
export type CloseCodeName = keyof typeof CloseCode;
export type CloseCodeNumber = (typeof CloseCode)[CloseCodeName];

export function closeCodeName(code: number): CloseCodeName | 'UNASSIGNED' {
  for (const name of keysOf(CloseCode)) if (CloseCode[name] === code) return name;
  return 'UNASSIGNED';
}

export function frameTypeName(type: number): FrameTypeName | 'UNASSIGNED' {
  for (const name of keysOf(FrameType)) if (FrameType[name] === type) return name;
  return 'UNASSIGNED';
}
