/**
 * Finds what is wrong with a value that a writer refused: the path of the first part that the schema does not take, what is
 * expected there and what was given. Walks in the writer's order, so it meets the same part. Runs only after a failure (and
 * for unions with logical types, which have no other way to tell their branches apart).
 */

import type { RecordNode, SchemaNode, UnionNode } from '../schema/schema.js';
import { labelOf } from '../schema/schema.js';
import type { ReadOptions } from './readers.js';
import { branchName, groupOf, isWrapped } from './unions.js';
import { isBigLong, isInt, isWellFormed } from './write-tap.js';

/** A part of a value, seen from the whole: `.location.lat`, `.tags[1]`, `["a key"]`. */
export interface Wrong {
  readonly path: string;
  readonly text: string;
}

const TEXT_MAX = 60;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Whether a value may be a map: an object, and nothing that keeps its entries elsewhere. */
export function isMapLike(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !(Symbol.iterator in value);
}

/** The first wrong part of `value`, or null when `node` takes it. */
export function checkValue(node: SchemaNode, value: unknown, options: ReadOptions): Wrong | null {
  const conversion = options.conversions.of(node);
  if (conversion === null) return checkUnderlying(node, value, options);
  let underlying: unknown;
  try {
    underlying = conversion.toValue(value);
  } catch {
    return wrong(node, value);
  }
  return underlying === undefined ? wrong(node, value) : checkUnderlying(node, underlying, options);
}

function checkUnderlying(node: SchemaNode, value: unknown, options: ReadOptions): Wrong | null {
  switch (node.kind) {
    case 'array':
      return Array.isArray(value) ? checkItems(node.items, value, options) : wrong(node, value);
    case 'map':
      return isMapLike(value) ? checkEntries(node.values, value, options) : wrong(node, value);
    case 'record':
      return checkRecord(node, value, options);
    case 'union':
      return checkUnion(node, value, options);
    case 'string':
      return checkString(value);
    default:
      return fits(node, value, options.bigLongs) ? null : wrong(node, value);
  }
}

function fits(node: SchemaNode, value: unknown, bigLongs: boolean): boolean {
  switch (node.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return isInt(value);
    case 'long':
      return bigLongs ? isBigLong(value) : Number.isSafeInteger(value);
    case 'bytes':
      return value instanceof Uint8Array;
    case 'fixed':
      return value instanceof Uint8Array && value.length === node.size;
    case 'enum':
      return typeof value === 'string' && node.symbols.includes(value);
    default:
      return typeof value === 'number';
  }
}

function checkString(value: unknown): Wrong | null {
  if (typeof value !== 'string') return { path: '', text: unfit('string', value) };
  return isWellFormed(value) ? null : { path: '', text: 'the string has half of a surrogate pair' };
}

function checkItems(items: SchemaNode, value: readonly unknown[], options: ReadOptions): Wrong | null {
  for (let i = 0; i < value.length; i++) {
    const found = checkValue(items, value[i], options);
    if (found !== null) return within(`[${i}]`, found);
  }
  return null;
}

function checkEntries(
  values: SchemaNode,
  value: Readonly<Record<string, unknown>>,
  options: ReadOptions,
): Wrong | null {
  for (const key of Object.keys(value)) {
    const found = checkString(key) ?? checkValue(values, value[key], options);
    if (found !== null) return within(`[${quote(key)}]`, found);
  }
  return null;
}

function checkRecord(node: RecordNode, value: unknown, options: ReadOptions): Wrong | null {
  if (!isObject(value) || Array.isArray(value)) return wrong(node, value);
  for (const field of node.fields) {
    const member = value[field.name];
    if (member === undefined && field.hasDefault) continue;
    const found = checkValue(field.type, member, options);
    if (found !== null) return within(`.${field.name}`, found);
  }
  return null;
}

function checkUnion(node: UnionNode, value: unknown, options: ReadOptions): Wrong | null {
  if (isWrapped(node)) return checkWrapped(node, value, options);
  // Each branch is asked once: asking again on every level would take exponential time.
  const found = node.branches.map((branch) => checkValue(branch, value, options));
  const fitting = node.branches.filter((_, i) => found[i] === null);
  if (fitting.length === 1) return null;
  if (fitting.length > 1) {
    return { path: '', text: `${show(value)} could be any of ${fitting.map(labelOf).join(', ')}` };
  }
  // A branch for values of this kind can say more than that none fits.
  const near = found[node.branches.findIndex((branch) => isNear(branch, value))];
  return near != null && near.path !== '' ? near : wrong(node, value);
}

function isNear(branch: SchemaNode, value: unknown): boolean {
  const group = groupOf(branch);
  if (group === 'array') return Array.isArray(value);
  return group === 'object' && typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkWrapped(node: UnionNode, value: unknown, options: ReadOptions): Wrong | null {
  if (value === null && node.branches.some((branch) => branch.kind === 'null')) return null;
  const given = isObject(value) ? value : {};
  const keys = Object.keys(given);
  const name = keys[0];
  const branch = node.branches.find((one) => one.kind !== 'null' && branchName(one) === name);
  if (keys.length !== 1 || branch === undefined) {
    const names = node.branches.map((one) => (one.kind === 'null' ? 'null' : `{ ${quote(branchName(one))}: ... }`));
    return { path: '', text: `expected ${names.join(' or ')}, got ${show(value)}` };
  }
  const found = checkValue(branch, given[name], options);
  return found === null ? null : within(`[${quote(name)}]`, found);
}

function within(step: string, found: Wrong): Wrong {
  return { path: step + found.path, text: found.text };
}

function wrong(node: SchemaNode, value: unknown): Wrong {
  return { path: '', text: unfit(expected(node), value) };
}

function unfit(wanted: string, value: unknown): string {
  return value === undefined ? `missing, expected ${wanted}` : `expected ${wanted}, got ${show(value)}`;
}

function expected(node: SchemaNode): string {
  switch (node.kind) {
    case 'enum':
      return cut(`one of ${node.symbols.join(', ')}`);
    case 'fixed':
      return `${node.size} bytes`;
    case 'union':
      return node.branches.length === 0
        ? 'nothing: the union has no branches'
        : node.branches.map(labelOf).join(' or ');
    default:
      return labelOf(node);
  }
}

/** A value, shortly. Only what cannot run code of the value's own is asked. */
function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'bigint':
      return `${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return value instanceof Uint8Array ? `${value.length} bytes` : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

function quote(text: string): string {
  return cut(JSON.stringify(text.slice(0, TEXT_MAX + 1)));
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
}
