/**
 * Loaded before a test file (`--import`), it refuses the text that `encoding/generate.ts` makes functions of, and no other: avsc, with
 * which tests compare, needs `new Function` too. So any test of codecs can be run with the interpreter.
 */
const { Function: original } = globalThis;
globalThis.Function = new Proxy(original, {
  construct(target, parts: unknown[]) {
    const text = parts.at(-1);
    if (typeof text === 'string' && text.startsWith("'use strict'; return ")) throw new EvalError('no code here');
    return Reflect.construct(target, parts) as object;
  },
});
