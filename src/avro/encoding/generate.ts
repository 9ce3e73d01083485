/**
 * Makes functions from source text, so that each type has its own call sites. V8 stores what it learns about a call by its source
 * position. Closures made at one place share that position, so after a few types every call in them would be slow.
 *
 * The text consists of the templates in this folder, of numbers, and of names from the application's own schemas, which the parser
 * has checked against Avro's grammar. Nothing from a peer is ever part of it: code that resolves a peer's schema refers to it by
 * numbered bindings.
 */

/** What generated source may refer to, by name. */
export type Bindings = Record<string, unknown>;

let serial = 0;

/** The function that `source`, a function expression, evaluates to. The serial number keeps equal sources apart. */
export function generate<F>(source: string, bindings: Bindings): F {
  // oxlint-disable-next-line typescript/no-implied-eval -- see the head of this file for what can stand in the text
  const make = new Function(...Object.keys(bindings), `'use strict'; return ${source}; // ${serial++}`);
  return make(...Object.values(bindings));
}

/** `Point` of `geo.Point`: part of a function's name, which profilers and stack traces show. */
export function identifier(name: string): string {
  const last = name.slice(name.lastIndexOf('.') + 1);
  return last.replaceAll(/[^A-Za-z0-9_$]/g, '_');
}

/**
 * Whether functions can be made from text here: not under Node's `--disallow-code-generation-from-strings`, nor in runtimes that
 * never allow it. Tried once, when this file is loaded.
 */
export const canGenerate = tryOnce();

function tryOnce(): boolean {
  try {
    return generate<() => boolean>('() => true', {})();
  } catch {
    return false;
  }
}
