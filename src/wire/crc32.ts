/**
 * CRC-32 as `spec/protocol.md` has it (3.8), eight bytes a step: byte i of the eight has a table of its own, which says what it
 * does to the remainder by the time the step is over. Works on the register, which is the complement of the sum: it begins with -1.
 */

/** 0x04C11DB7 with its bits reversed. */
const POLYNOMIAL = 0xedb8_8320;

/** Table `i` is that of a byte with `i` bytes behind it in the step. */
export function crc32Tables(count: number): Int32Array {
  const tables = new Int32Array(count * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (-(remainder & 1) & POLYNOMIAL);
    tables[byte] = remainder;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256];
    tables[at] = (before >>> 8) ^ tables[before & 0xff];
  }
  return tables;
}

const t: Int32Array = crc32Tables(8);

/** The register after the bytes from `at` to `end`. */
export function crc32Register(register: number, bytes: Uint8Array, at: number, end: number): number {
  let r = register;
  for (; end - at >= 8; at += 8) {
    r ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    r =
      t[0x700 | (r & 0xff)] ^
      t[0x600 | ((r >>> 8) & 0xff)] ^
      t[0x500 | ((r >>> 16) & 0xff)] ^
      t[0x400 | (r >>> 24)] ^
      t[0x300 | bytes[at + 4]] ^
      t[0x200 | bytes[at + 5]] ^
      t[0x100 | bytes[at + 6]] ^
      t[bytes[at + 7]];
  }
  for (; at < end; at++) r = (r >>> 8) ^ t[(r ^ bytes[at]) & 0xff];
  return r;
}
