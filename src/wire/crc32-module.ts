/**
 * The loop over the frames of a batch as a WebAssembly module, assembled here: sixteen bytes a step, loads of four bytes at any
 * address, no bounds checks, which is twice as fast as the same in JavaScript (spec/decisions/009).
 *
 *     memory   0 | 16 tables of 256 x i32 | BATCH_AT: the frames of the batch ... BATCH_BYTES
 *
 * `run(at, end, fill)` goes over whole frames and calculates the checksum of each that has one: writes it with `fill` 1, compares
 * it with 0. Returns the address of the first frame that is cut by `end`, longer than LONG_FRAME_BYTES, or damaged; else `end`.
 */
import { CHECKSUM_BYTES, Flag, HEADER_BYTES, OPTIONAL_FRAME_TYPE_MIN } from './constants.js';
import { crc32Tables } from './crc32.js';

const PAGE_BYTES = 64 * 1024;
const TABLES = 16;
const TABLE_BYTES = 1024;

export const BATCH_AT = TABLES * TABLE_BYTES;
export const BATCH_BYTES = 64 * 1024;
/** For longer frames others are faster. */
export const LONG_FRAME_BYTES = 1024;

type Code = readonly number[];

// Parameters and locals of `run`.
const AT = 0;
const END = 1;
const FILL = 2;
const NEXT = 3;
const LEFT = 4;
const R = 5;
const W1 = 6;
const W2 = 7;
const W3 = 8;
const FROM = 9;
const I32 = 0x7f;

// Instructions, operands first. Those that end a block say how many levels up.
const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];
const constant = (value: number): Code => [0x41, ...signed(value)];
const load = (address: Code, offset: number): Code => [...address, 0x28, 0, ...unsigned(offset)];
const loadByte = (address: Code, offset: number): Code => [...address, 0x2d, 0, ...unsigned(offset)];
const store = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  0x36,
  0,
  ...unsigned(offset),
];
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const sub = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
const xor = (a: Code, b: Code): Code => [...a, ...b, 0x73];
const shiftLeft = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x74];
const shiftRight = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x76];
const isZero = (a: Code): Code => [...a, 0x45];
const differ = (a: Code, b: Code): Code => [...a, ...b, 0x47];
const lessThan = (a: Code, b: Code): Code => [...a, ...b, 0x49];
const moreThan = (a: Code, b: Code): Code => [...a, ...b, 0x4b];
const block = (...body: Code[]): Code => [0x02, 0x40, ...body.flat(), 0x0b];
const loop = (...body: Code[]): Code => [0x03, 0x40, ...body.flat(), 0x0b];
const when = (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];
const leave = (levels: number): Code => [0x0c, levels];
const leaveWhen = (levels: number, condition: Code): Code => [...condition, 0x0d, levels];

/** What byte `index` of a word does to the remainder, with `behind` bytes behind it in the step. */
function lookUp(word: number, index: number, behind: number): Code {
  const byte =
    index === 3
      ? shiftRight(get(word), 24)
      : and(index === 0 ? get(word) : shiftRight(get(word), 8 * index), constant(0xff));
  return load(shiftLeft(byte, 2), behind * TABLE_BYTES);
}

/** R after the bytes of these words, into the first of which R has gone already. */
function stepOver(words: readonly number[]): Code {
  const bytes = words.flatMap((word, at) => [0, 1, 2, 3].map((index) => ({ word, index, order: 4 * at + index })));
  const parts = bytes.map(({ word, index, order }) => lookUp(word, index, bytes.length - 1 - order));
  return set(R, parts.reduce(xor));
}

/** Takes the words at FROM into R. */
function take(words: readonly number[]): Code {
  const bytes = 4 * words.length;
  const loads = words.map((word, index) => {
    const value = load(get(FROM), 4 * index);
    return set(word, index === 0 ? xor(get(R), value) : value);
  });
  return [
    ...loads.flat(),
    ...stepOver(words),
    ...set(FROM, add(get(FROM), constant(bytes))),
    ...set(LEFT, sub(get(LEFT), constant(bytes))),
  ];
}

const takeByte: Code = [
  ...set(W1, and(xor(get(R), loadByte(get(FROM), 0)), constant(0xff))),
  ...set(R, xor(shiftRight(get(R), 8), lookUp(W1, 0, 0))),
  ...set(FROM, add(get(FROM), constant(1))),
  ...set(LEFT, sub(get(LEFT), constant(1))),
];

/** R of the frame at AT, whose payload without checksum has LEFT bytes. */
const frameRegister: Code = [
  ...set(R, constant(-1)),
  ...set(FROM, get(AT)),
  ...take([R, W1, W2]),
  ...set(LEFT, sub(sub(get(NEXT), get(AT)), constant(HEADER_BYTES + CHECKSUM_BYTES))),
  ...set(FROM, add(get(FROM), constant(CHECKSUM_BYTES))),
  ...block(loop(leaveWhen(1, lessThan(get(LEFT), constant(16))), take([R, W1, W2, W3]), leave(0))),
  ...when(moreThan(get(LEFT), constant(7)), take([R, W1])),
  ...when(moreThan(get(LEFT), constant(3)), take([R])),
  ...block(loop(leaveWhen(1, isZero(get(LEFT))), takeByte, leave(0))),
  ...set(R, xor(get(R), constant(-1))),
];

const hasChecksum: Code = and(
  and(loadByte(get(AT), 9), constant(Flag.CHECKSUM)),
  shiftLeft(lessThan(loadByte(get(AT), 8), constant(OPTIONAL_FRAME_TYPE_MIN)), 6),
);

const run: Code = [
  ...block(
    loop(
      leaveWhen(1, lessThan(sub(get(END), get(AT)), constant(HEADER_BYTES))),
      set(LEFT, load(get(AT), 0)),
      leaveWhen(1, moreThan(get(LEFT), sub(sub(get(END), get(AT)), constant(HEADER_BYTES)))),
      leaveWhen(1, moreThan(get(LEFT), constant(LONG_FRAME_BYTES - HEADER_BYTES))),
      set(NEXT, add(add(get(AT), constant(HEADER_BYTES)), get(LEFT))),
      when(
        hasChecksum,
        leaveWhen(2, lessThan(get(LEFT), constant(CHECKSUM_BYTES))),
        frameRegister,
        when(get(FILL), store(get(AT), HEADER_BYTES, get(R))),
        leaveWhen(2, differ(get(R), load(get(AT), HEADER_BYTES))),
      ),
      set(AT, get(NEXT)),
      leave(0),
    ),
  ),
  ...get(AT),
  0x0b,
];

const section = (id: number, ...content: Code[]): Code => [id, ...sized(content.flat())];
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const name = (text: string): Code => sized([...Buffer.from(text)]);

function moduleBytes(): Uint8Array {
  const pages = Math.ceil((BATCH_AT + BATCH_BYTES) / PAGE_BYTES);
  const locals: Code = [1, FROM - FILL, I32];
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, ...unsigned(pages), ...unsigned(pages)]),
    ...section(7, [2], name('memory'), [2, 0], name('run'), [0, 0]),
    ...section(10, [1], sized([...locals, ...run])),
  ]);
}

/** LEB128, unsigned. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128, signed. */
function signed(value: number): Code {
  const rest = value >> 7;
  const last = (value & 0x40) === 0 ? rest === 0 : rest === -1;
  return last ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}

export interface BatchModule {
  readonly memory: Uint8Array;
  readonly run: (at: number, end: number, fill: 0 | 1) => number;
}

/** What is used here of an interface that the types of Node and of the language do not have. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly run: BatchModule['run'] };
  };
}

/** Null where there is no WebAssembly, as under `--jitless`, or none may be made of bytes, as some runtimes have it. */
export function batchModule(): BatchModule | null {
  const { WebAssembly: api } = globalThis as { readonly WebAssembly?: WebAssemblyApi };
  if (api === undefined) return null;
  let exported: InstanceType<WebAssemblyApi['Instance']>['exports'];
  try {
    exported = new api.Instance(new api.Module(moduleBytes())).exports;
  } catch {
    return null;
  }
  const { memory, run: runExported } = exported;
  new Int32Array(memory.buffer).set(crc32Tables(TABLES));
  return { memory: new Uint8Array(memory.buffer), run: runExported };
}
