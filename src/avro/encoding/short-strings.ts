/**
 * Short ASCII strings, read in JavaScript. `buf.utf8Slice` costs about 80 ns whatever the length, `String.fromCharCode` with all
 * codes as arguments 20 to 50 ns up to 24 characters, where the two meet (measured on Node 20 and 24). The function is generated
 * because that needs one call per length; it looks like this:
 *
 *     switch (length) { ... case 2: { const c0 = buf[at], c1 = buf[at + 1];
 *                                     return (c0 | c1) > 127 ? null : fromCharCode(c0, c1); } ...
 *
 * Where no code may be generated it is always null, so that every string is read by `buf.utf8Slice`.
 *
 * Called by the taps only, which have checked that the bytes are there.
 */
import { canGenerate, generate } from './generate.js';

/** Longest string, in bytes, that is worth it. */
export const SHORT_STRING_MAX = 24;

/** The string in `length` bytes of `buf` from `at`, or null when it is not ASCII. `length` is 0 to `SHORT_STRING_MAX`. */
export const readShortAscii: (buf: Uint8Array, at: number, length: number) => string | null = canGenerate
  ? generate(source(), { fromCharCode: String.fromCharCode })
  : () => null;

function source(): string {
  let cases = "case 0: return '';\n";
  for (let length = 1; length <= SHORT_STRING_MAX; length++) {
    const codes = Array.from({ length }, (_, i) => `c${i}`);
    const loads = codes.map((code, i) => `${code} = buf[at + ${i}]`).join(', ');
    const text = `(${codes.join(' | ')}) > 127 ? null : fromCharCode(${codes.join(', ')})`;
    cases += `case ${length}: { const ${loads}; return ${text}; }\n`;
  }
  return `function readShortAscii(buf, at, length) { switch (length) { ${cases} default: return null; } }`;
}
