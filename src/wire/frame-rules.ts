/**
 * What a header may say, per frame type, as tables that the decoder indexes by the type byte. One row here is one row of the
 * specification's frame chapters.
 */
import { keysOf } from '../base/tables.js';
import { Flag, FrameType, type FrameTypeName } from './constants.js';

interface FrameRule {
  readonly flags: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  /** Carries a call number; otherwise the field is 0. */
  readonly call: boolean;
  /** Carries a method number; otherwise the field is 0. */
  readonly method: boolean;
}

const ANY = 0xffff_ffff;
const messageFlags = Flag.MORE | Flag.COMPRESSED;
const answerFlags = Flag.METADATA | Flag.LEDGER;

const rules: Readonly<Record<FrameTypeName, FrameRule>> = {
  HELLO: { flags: 0, bytesMin: 1, bytesMax: 16_384, call: false, method: false },
  METHOD: { flags: 0, bytesMin: 1, bytesMax: ANY, call: false, method: true },
  SCHEMA: { flags: Flag.MORE, bytesMin: 1, bytesMax: ANY, call: false, method: false },
  REQUEST: {
    flags: messageFlags | Flag.METADATA | Flag.DEADLINE | Flag.ONEWAY | Flag.LEDGER,
    bytesMin: 0,
    bytesMax: ANY,
    call: true,
    method: true,
  },
  RESPONSE: { flags: messageFlags | answerFlags, bytesMin: 0, bytesMax: ANY, call: true, method: false },
  ITEM: { flags: messageFlags, bytesMin: 0, bytesMax: ANY, call: true, method: false },
  END: { flags: answerFlags, bytesMin: 0, bytesMax: ANY, call: true, method: false },
  FAILURE: { flags: answerFlags, bytesMin: 1, bytesMax: ANY, call: true, method: false },
  CANCEL: { flags: 0, bytesMin: 1, bytesMax: ANY, call: true, method: false },
  CREDIT: { flags: 0, bytesMin: 4, bytesMax: 4, call: true, method: false },
  PING: { flags: 0, bytesMin: 8, bytesMax: 8, call: false, method: false },
  PONG: { flags: 0, bytesMin: 8, bytesMax: 8, call: false, method: false },
  DRAIN: { flags: 0, bytesMin: 1, bytesMax: ANY, call: false, method: false },
  CLOSE: { flags: 0, bytesMin: 1, bytesMax: ANY, call: false, method: false },
};

/** Flags allowed on a type, CHECKSUM aside; -1 for an unassigned type. */
export const allowedFlags: Int16Array = new Int16Array(256).fill(-1);
export const frameBytesMin: Uint32Array = new Uint32Array(256);
export const frameBytesMax: Uint32Array = new Uint32Array(256).fill(ANY);
/** 1: the header names a call. */
export const carriesCall: Uint8Array = new Uint8Array(256);
/** 1: the header names a method. */
export const carriesMethod: Uint8Array = new Uint8Array(256);

/** The text of a CLOSE FLAGS; `where` says on what, such as `the END of a caller`. */
export function describeWrongFlags(flags: number, where: string): string {
  return `flags 0x${flags.toString(16)} are not allowed on ${where}`;
}

/** The text of a CLOSE FLAGS for durations of a call that did not ask for its ledger. */
export function describeUnaskedLedger(frame: FrameTypeName): string {
  return `${frame} with the flag LEDGER, but the call did not ask for its ledger`;
}

for (const name of keysOf(rules)) {
  const rule = rules[name];
  const type = FrameType[name];
  allowedFlags[type] = rule.flags;
  frameBytesMin[type] = rule.bytesMin;
  frameBytesMax[type] = rule.bytesMax;
  carriesCall[type] = rule.call ? 1 : 0;
  carriesMethod[type] = rule.method ? 1 : 0;
}
