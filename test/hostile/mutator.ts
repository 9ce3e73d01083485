/**
 * Random damage to valid byte streams: to bits, bytes, ranges, whole frames and single fields of headers, with the values that
 * break things elsewhere. What comes out is one buffer and the places where it is cut into chunks.
 */
import { frame, magic, types } from '../support/frames.js';
import type { Random } from '../support/seed.js';

/** Most mutations of one stream; mostly it is one. */
const MUTATIONS_MAX = 6;
/** Repeated frames stop here, so that a stream stays short. */
const STREAM_BYTES_MAX = 256 * 1024;
const HEADER_BYTES = 12;

const numbers32 = [
  0,
  1,
  2,
  11,
  12,
  13,
  255,
  256,
  16_383,
  16_384,
  16_385,
  65_535,
  65_536,
  65_537,
  2 ** 20,
  2 ** 24,
  2 ** 24 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const numbers16 = [0, 1, 2, 7, 8, 63, 64, 1_023, 1_024, 32_767, 32_768, 65_535];
const bytes8 = [0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x8d];

/** Damages `frames`, of which none is changed itself. `others`: frames of another session, to splice in. */
export function mutateFrames(frames: Buffer[], others: readonly Buffer[], random: Random): void {
  for (let count = mutationCount(random); count > 0; count--) {
    if (frames.length === 0) return;
    random.pick(mutations)(frames, others, random);
  }
}

/** One damage after the headers, which usually affects only a call, so the connection stays open. */
export function mutateGently(frames: Buffer[], others: readonly Buffer[], random: Random): void {
  random.pick(gentleMutations)(frames, others, random);
}

function mutationCount(random: Random): number {
  let count = 1;
  while (count < MUTATIONS_MAX && random.oneIn(3)) count++;
  return count;
}

type Mutation = (frames: Buffer[], others: readonly Buffer[], random: Random) => void;

/** Replaces one frame by a copy that `change` has changed. */
function changed(change: (bytes: Buffer, random: Random) => Buffer): Mutation {
  return (frames, _others, random) => {
    const index = random.below(frames.length);
    frames[index] = change(Buffer.from(frames[index] as Buffer), random);
  };
}

const flipBit = changed((bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes;
});

const setByte = changed((bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.oneIn(2) ? random.pick(bytes8) : random.below(256);
  return bytes;
});

/** One field of the header, most often with a value at which something ends or begins. */
const setField = changed((bytes, random) => {
  if (bytes.length < HEADER_BYTES) return bytes;
  switch (random.below(6)) {
    case 0:
      bytes.writeUInt32LE(random.oneIn(4) ? random.u32() : random.pick(numbers32), 0);
      break;
    case 1:
      bytes.writeUInt32LE(neighbour(bytes.readUInt32LE(4), random), 4);
      break;
    case 2:
      bytes[8] = random.oneIn(4) ? random.below(256) : random.between(1, 14);
      break;
    case 3:
      bytes[9] = random.oneIn(2) ? 1 << random.below(8) : random.below(256);
      break;
    case 4:
      bytes[9] = (bytes[9] as number) ^ (1 << random.below(8));
      break;
    default:
      bytes.writeUInt16LE(random.oneIn(2) ? random.below(9) : random.pick(numbers16), 10);
  }
  return bytes;
});

/** A call number near the real one: another slot, generation or opener. */
function neighbour(call: number, random: Random): number {
  switch (random.below(5)) {
    case 0:
      return (call ^ 0x8000_0000) >>> 0;
    case 1:
      return (call + 0x1_0000 * random.between(-2, 2)) >>> 0;
    case 2:
      return (call + random.between(-2, 2)) >>> 0;
    case 3:
      return ((call & 0xffff_0000) | random.pick(numbers16)) >>> 0;
    default:
      return random.oneIn(2) ? random.u32() : random.pick(numbers32);
  }
}

/** Damages the payload and corrects the length, so that the damage is found after the header. */
const damagePayload = changed((bytes, random) => {
  if (bytes.length <= HEADER_BYTES) return bytes;
  const payload = damage(bytes.subarray(HEADER_BYTES), random);
  return sized(Buffer.concat([bytes.subarray(0, HEADER_BYTES), payload]));
});

function damage(payload: Buffer, random: Random): Buffer {
  const at = random.below(payload.length);
  const to = random.between(at, Math.min(payload.length, at + 16));
  switch (random.below(6)) {
    case 0:
      return payload.subarray(0, at);
    case 1:
      return Buffer.concat([payload.subarray(0, at), payload.subarray(to)]);
    case 2:
      return Buffer.concat([payload.subarray(0, to), payload.subarray(at)]);
    case 3:
      return Buffer.concat([payload.subarray(0, at), random.bytes(random.between(1, 8)), payload.subarray(to)]);
    case 4:
      return Buffer.concat([payload.subarray(0, at), Buffer.from(random.pick(varints)), payload.subarray(to)]);
    default:
      return Buffer.concat([payload, random.bytes(random.between(1, 8))]);
  }
}

/** Counts, lengths and indexes that are none: -1, -2^31, 2^31, 2^53, 2^63, and varints without an end. */
const varints: readonly (readonly number[])[] = [
  [0x01],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20],
  [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0x80, 0x00],
];

function sized(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(bytes.length - HEADER_BYTES, 0);
  return bytes;
}

const flipPayloadBit = changed((bytes, random) => {
  if (bytes.length <= HEADER_BYTES) return bytes;
  const at = random.between(HEADER_BYTES, bytes.length - 1);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
});

/** A prefix without its flag, or a flag without its prefix. */
const flipPrefixFlag = changed((bytes, random) => {
  if (bytes.length < HEADER_BYTES) return bytes;
  const choices = bytes[8] === types.REQUEST ? [0x01, 0x02, 0x04, 0x08, 0x10, 0x20] : [0x01, 0x02, 0x04];
  bytes[9] = (bytes[9] as number) ^ random.pick(choices);
  return bytes;
});

const cutFrame = changed((bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)));

const insertBytes: Mutation = (frames, _others, random) => {
  frames.splice(random.below(frames.length + 1), 0, random.bytes(random.between(1, 40)));
};

const dropFrame: Mutation = (frames, _others, random) => {
  frames.splice(random.below(frames.length), 1);
};

const repeatFrame: Mutation = (frames, _others, random) => {
  const index = random.below(frames.length);
  const repeated = frames[index] as Buffer;
  const most = Math.max(1, Math.floor(STREAM_BYTES_MAX / (repeated.length + 1)));
  const times = Math.min(most, random.oneIn(100) ? random.between(2, 600) : random.between(1, 3));
  frames.splice(index, 0, ...Array.from({ length: times }, () => repeated));
};

const swapFrames: Mutation = (frames, _others, random) => {
  const one = random.below(frames.length);
  const other = random.below(frames.length);
  const moved = frames[one] as Buffer;
  frames[one] = frames[other] as Buffer;
  frames[other] = moved;
};

const moveFrame: Mutation = (frames, _others, random) => {
  const [moved] = frames.splice(random.below(frames.length), 1);
  frames.splice(random.below(frames.length + 1), 0, moved as Buffer);
};

const spliceFrame: Mutation = (frames, others, random) => {
  frames.splice(random.below(frames.length + 1), 0, random.pick(others));
};

/** A frame of any type for a call of this session, in any state. */
const strayFrame: Mutation = (frames, _others, random) => {
  const model = random.pick(frames);
  const call = model.length >= HEADER_BYTES ? model.readUInt32LE(4) : 0;
  const stray = frame(random.between(1, 14), {
    call: random.oneIn(4) ? neighbour(call, random) : call,
    flags: random.oneIn(3) ? random.below(128) : 0,
    payload: random.oneIn(3) ? random.bytes(random.pick([4, 8, 20])) : (random.pick(strayPayloads) as Buffer),
  });
  frames.splice(random.below(frames.length + 1), 0, stray);
};

const strayPayloads = [
  Buffer.alloc(0),
  Buffer.from([2, 0]),
  Buffer.from([0, 0]),
  Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from([26, 0, 0, 0, 0, 0]),
  magic,
];

const truncateStream: Mutation = (frames, _others, random) => {
  frames.length = random.between(1, frames.length);
};

const gentleMutations: readonly Mutation[] = [
  damagePayload,
  damagePayload,
  flipPayloadBit,
  flipPayloadBit,
  damagePayload,
  flipPayloadBit,
  flipPrefixFlag,
  dropFrame,
];

/** A kind that is listed more often is picked more often. */
const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setField,
  setField,
  setField,
  damagePayload,
  damagePayload,
  damagePayload,
  cutFrame,
  insertBytes,
  dropFrame,
  repeatFrame,
  swapFrames,
  moveFrame,
  spliceFrame,
  strayFrame,
  strayFrame,
  truncateStream,
];

/** The stream of these frames in chunks, cut anywhere. */
export function cutStream(frames: readonly Buffer[], random: Random): Buffer[] {
  switch (random.below(8)) {
    case 0:
      return frames.filter((bytes) => bytes.length > 0);
    case 1:
    case 2:
      return pieces(Buffer.concat(frames), random.between(2, 6), random);
    case 3: {
      const stream = Buffer.concat(frames);
      // Every byte by itself, at the beginning or anywhere.
      const from = random.oneIn(2) ? 0 : random.below(stream.length + 1);
      const to = Math.min(stream.length, from + random.below(60));
      const bytes = Array.from({ length: to - from }, (_, at) => stream.subarray(from + at, from + at + 1));
      return [stream.subarray(0, from), ...bytes, stream.subarray(to)].filter(({ length }) => length > 0);
    }
    default:
      return [Buffer.concat(frames)];
  }
}

function pieces(stream: Buffer, count: number, random: Random): Buffer[] {
  const cuts = Array.from({ length: count }, () => random.below(stream.length + 1)).sort((a, b) => a - b);
  const found: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, stream.length]) {
    if (cut > at) found.push(stream.subarray(at, cut));
    at = cut;
  }
  return found;
}
