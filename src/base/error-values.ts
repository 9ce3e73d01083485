/**
 * The values in an error, made legal. Applications construct errors with computed values (a fractional delay, a code of another
 * system), may change them afterwards, and may throw errors of another copy of this package. So the constructor of `RpcError` passes
 * each value through here, and so does whoever writes a thrown error to a peer. Nothing here throws.
 */
import { types } from 'node:util';
import { type RpcCode, RpcCodes, type Started } from './codes.js';
import type { LimitHit } from './limits.js';
import { isKeyOf } from './tables.js';

/** Strings and bytes by name. */
export type ErrorMetadata = Readonly<Record<string, string | Buffer>>;

/** What a FAILURE can carry; longer delays become this: 24.8 days. */
const RETRY_AFTER_MS_MAX = 2 ** 31 - 1;
const TEXT_MAX = 200;

/** The code itself if gRPC has it, else null. */
export function knownCode(code: unknown): RpcCode | null {
  return typeof code === 'string' && isKeyOf(code, RpcCodes) ? code : null;
}

export function legalStarted(started: unknown): Started {
  if (started === undefined || started === 'no') return 'no';
  return started === 'yes' ? 'yes' : 'maybe';
}

/** An error of any realm: in a test runner's `vm` context those of Node.js are of another one. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** A text for people from any value; an error's own text. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  try {
    // oxlint-disable-next-line typescript/no-base-to-string -- better than nothing
    return isError(value) ? textOf(value.message) : String(value);
  } catch {
    return 'a value that has no text';
  }
}

/** Why something was thrown: the text of an error, or of whatever else was. */
export function reasonOf(thrown: unknown): string {
  return thrown === undefined ? 'undefined' : textOf(thrown);
}

/**
 * One warning of the process: the error itself, or the text of any other value. Node takes no error of another realm, in which a test
 * runner may have loaded this package, so of those the text is all.
 */
export function warn(thrown: unknown): void {
  const text = reasonOf(thrown);
  try {
    process.emitWarning(isError(thrown) ? thrown : new Error(text));
  } catch {
    process.emitWarning(text);
  }
}

/** A short text for a value that is wrong. */
export function shortText(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : textOf(value);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
}

/** Whole milliseconds, rounded up, from 0 to what can travel; undefined for what is no number. A text or bigint counts as its number. */
export function legalRetryAfterMs(value: unknown): number | undefined {
  const isNumeric = typeof value === 'number' || typeof value === 'bigint';
  const ms = isNumeric || (typeof value === 'string' && value.trim() !== '') ? Number(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(Math.ceil(ms), 0), RETRY_AFTER_MS_MAX);
}

/** The limit if it has a name, a value and a setting. */
export function legalLimit(limit: unknown): LimitHit | undefined {
  return isLimit(limit) ? limit : undefined;
}

function isLimit(limit: unknown): limit is LimitHit {
  if (typeof limit !== 'object' || limit === null || !('name' in limit && 'value' in limit && 'setting' in limit))
    return false;
  return typeof limit.name === 'string' && typeof limit.value === 'number' && typeof limit.setting === 'string';
}

/** Metadata as names and values. `entries`: null when it is no object of strings and bytes, `Map` or `Headers`; `wrong` says why. */
export interface ReadMetadata {
  readonly entries: ErrorMetadata | null;
  readonly wrong: string | null;
}

const noMetadata: ReadMetadata = { entries: null, wrong: null };

/** Reads the metadata of an error: a plain object; a `Map` or `Headers` (or what else gives pairs of name and value) is converted. */
export function readMetadata(metadata: unknown): ReadMetadata {
  if (metadata === undefined || metadata === null) return noMetadata;
  try {
    const pairs = pairsOf(metadata);
    if (pairs === null)
      return { entries: null, wrong: `the metadata is no plain object, Map or Headers: ${shortText(metadata)}` };
    const entries: Record<string, string | Buffer> = Object.create(null);
    for (const [name, value] of pairs) {
      if (typeof name !== 'string') return { entries: null, wrong: 'a name in the metadata is no string' };
      if (typeof value === 'string' || Buffer.isBuffer(value)) entries[name] = value;
      else if (types.isUint8Array(value)) entries[name] = Buffer.from(value);
      else if (value !== undefined)
        return { entries: null, wrong: `the value of '${name}' in the metadata is neither a string nor a Buffer` };
    }
    return { entries, wrong: null };
  } catch (error) {
    return { entries: null, wrong: `the metadata cannot be read: ${textOf(error)}` };
  }
}

function pairsOf(metadata: unknown): Iterable<readonly [unknown, unknown]> | null {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
  if (types.isMap(metadata)) return metadata;
  // `Headers` and its like, which have no type of their own here.
  const name = Object.prototype.toString.call(metadata);
  if (name === '[object Headers]' || name === '[object Map]') {
    const each: unknown = Reflect.get(metadata, 'forEach');
    const pairs: [unknown, unknown][] = [];
    if (typeof each === 'function') each.call(metadata, (value: unknown, key: unknown) => pairs.push([key, value]));
    return pairs;
  }
  const prototype: unknown = Object.getPrototypeOf(metadata);
  // The `Object.prototype` of another realm has none above it either.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? Object.entries(metadata) : null;
}
