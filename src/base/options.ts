/**
 * Options of the public API are read here, once, where they enter: an option that does not exist, or whose value has the wrong type, is
 * INVALID_ARGUMENT that names it. What is behind the edge gets a plain copy of the known options, which no getter, proxy or later change
 * can alter. Ranges are checked by whoever owns the option.
 */
import { isError, textOf as messageOf } from './error-values.js';
import { RpcError } from './errors.js';
import { nearestName } from './nearest-name.js';
import { keysOf } from './tables.js';

/** The type of an option's value; `checked`: its owner checks the value itself. */
export type OptionKind = 'number' | 'boolean' | 'string' | 'function' | 'object' | 'list' | 'checked';

/** A kind for each option of `T`: the compiler refuses an option that is missing here. */
export type OptionKinds<T> = { readonly [N in keyof T]-?: OptionKind };

const kindNames: Readonly<Record<OptionKind, string>> = {
  number: 'a number',
  boolean: 'true or false',
  string: 'a string',
  function: 'a function',
  object: 'an object',
  list: 'an array',
  checked: 'something else',
};

/** What other libraries call the same things. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  abort: ['signal'],
  abortSignal: ['signal'],
  controller: ['signal'],
  deadline: ['deadlineMs'],
  grace: ['graceMs'],
  headers: ['metadata'],
  hedge: ['hedging'],
  retries: ['retry', 'attemptsMax'],
  timeout: ['deadlineMs', 'graceMs', 'connectMsMax'],
  timeoutMs: ['deadlineMs', 'graceMs', 'connectMsMax'],
};

/**
 * The known options of `given`, which may be undefined: none. `place` is what takes them, such as `connect`, or the option that they
 * belong to with a dot, such as `retry.`. An option that is undefined counts as absent. Throws an `RpcError` (INVALID_ARGUMENT).
 */
export function readOptions<T extends object>(place: string, given: T | undefined, kinds: OptionKinds<T>): T;
export function readOptions(place: string, given: unknown, kinds: Readonly<Record<string, OptionKind>>): object {
  if (given === undefined) return {};
  if (!isOptions(given)) {
    const whose = place.endsWith('.') ? place.slice(0, -1) : `the options of ${place}`;
    const verb = place.endsWith('.') ? 'is' : 'are';
    throw invalid(`${whose} ${verb} ${shown(given)}, but must be an object`);
  }
  const read: Record<string, unknown> = {};
  let name = '';
  try {
    for (name of Object.keys(given)) if (!Object.hasOwn(kinds, name)) throw unknownOption(place, name, keysOf(kinds));
    for (name of keysOf(kinds)) {
      const value: unknown = Reflect.get(given, name);
      if (value === undefined) continue;
      const kind = kinds[name];
      if (!isOfKind(value, kind)) throw wrongOption(place, name, value, kindNames[kind]);
      read[name] = value;
    }
  } catch (cause) {
    if (cause instanceof RpcError) throw cause;
    throw new RpcError('INVALID_ARGUMENT', `${optionName(place, name)} cannot be read: ${textOf(cause)}`, { cause });
  }
  return read;
}

/** The same kind for every option in a table, such as that of the defaults. */
export function allOfKind<T extends object>(table: T, kind: OptionKind): OptionKinds<T>;
export function allOfKind(table: object, kind: OptionKind): Readonly<Record<string, OptionKind>> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, kind]));
}

/** The error of an option that does not exist: names the one that was meant if that can be guessed, and else all of them. */
export function unknownOption(place: string, name: string, known: readonly string[]): RpcError {
  const synonym = Object.hasOwn(synonyms, name) ? synonyms[name].find((other) => known.includes(other)) : undefined;
  const near = synonym ?? nearestName(name, known);
  const shortName = shortText(name);
  const prefix = place.endsWith('.') ? place : '';
  const whose = prefix === '' ? ` of ${place}` : '';
  const help = near === undefined ? `the options are ${known.join(', ')}` : `did you mean ${prefix}${near}?`;
  if (place === 'limits.') return invalid(`there is no limit ${shortName}; ${help}`);
  return invalid(`there is no option ${prefix}${shortName}${whose}; ${help}`);
}

/** The error of an option with a wrong value. */
export function wrongOption(place: string, name: string, value: unknown, wanted: string): RpcError {
  return invalid(`${optionName(place, name)} is ${shown(value)}, but must be ${wanted}`);
}

function optionName(place: string, name: string): string {
  return place.endsWith('.') ? place + shortText(name) : `the option ${shortText(name)} of ${place}`;
}

/** A value as error texts show it: short, and without what an object holds. Never throws. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortText(value));
  if (typeof value === 'bigint') return `${shortText(String(value))}n`;
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const tag = shortText(tagOf(value));
  if (tag === 'Object') return 'an object';
  return /^[AEIOU]/i.test(tag) ? `an ${tag}` : `a ${tag}`;
}

/** Longest part of an error text that repeats what was given. */
const SHOWN_CHARS_MAX = 60;

function shortText(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}

/** Objects of any realm and class, but nothing that is something else: no array, Map, Promise, Date, URL or bytes. */
function isOptions(given: unknown): given is object {
  if (typeof given !== 'object' || given === null) return false;
  const tag = tagOf(given);
  return tag === 'Object' || tag === 'Module';
}

/** `Object`, `Array`, `Map`, or what an object calls itself. */
function tagOf(value: object): string {
  try {
    return Object.prototype.toString.call(value).slice('[object '.length, -1);
  } catch {
    // A revoked proxy, or one that throws.
    return 'broken object';
  }
}

function isOfKind(value: unknown, kind: OptionKind): boolean {
  if (kind === 'checked') return true;
  if (kind === 'number') return typeof value === 'number' && !Number.isNaN(value);
  if (kind === 'list') return Array.isArray(value);
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === kind;
}

function textOf(error: unknown): string {
  return isError(error) ? shortText(messageOf(error.message)) : shown(error);
}

function invalid(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}
