/**
 * Finds what is wrong with a value that a writer refused: the path of the first wrong part, what is expected there, and what was
 * given. It walks in the order of the writer, so it finds the same part. Runs only after a failure, and for unions with logical
 * types, whose branches cannot be told apart in another way.
 */

import { isError, reasonOf, textOf } from '../../base/error-values.js';
import { nearestName } from '../../base/nearest-name.js';
import { memberOf, RecordMembers } from '../encoding/record-members.js';
import {
  type AnyObject,
  canBeMap,
  canBeRecord,
  isBytes,
  isDetached,
  isObject,
  kindOf,
  lengthOf,
} from '../encoding/value-kinds.js';
import { isBigLong, isFloat, isInt, isLong, isWellFormed } from '../encoding/write-tap.js';
import type { ArrayNode, RecordNode, SchemaNode, UnionNode } from '../schema/schema.js';
import { labelOf } from '../schema/schema.js';
import type { CodecOptions } from './readers.js';
import { branchName, groupOf, isWrapped } from './unions.js';

/** A part of a value, seen from the whole: `.location.lat`, `.tags[1]`, `["a key"]`. */
export interface Wrong {
  readonly path: string;
  readonly text: string;
}

const TEXT_MAX = 60;
const NAME = /^[A-Za-z_$][\w$]*$/;

/** The first wrong part of `value`, or null when `node` takes it. */
export function checkValue(node: SchemaNode, value: unknown, options: CodecOptions): Wrong | null {
  const conversion = options.conversions.of(node);
  if (conversion === null) return checkUnderlying(node, value, options);
  const refusal: Wrong = { path: '', text: unfit(conversion.values, value) };
  if (value === undefined) return refusal;
  let underlying: unknown;
  try {
    underlying = conversion.toValue(value);
  } catch (error) {
    const reason = reasonOf(error);
    return { path: '', text: `${refusal.text}: ${reason}` };
  }
  if (underlying === undefined) return refusal;
  const found = checkUnderlying(node, underlying, options);
  return found === null ? null : { path: '', text: `${refusal.text}, which its class makes a wrong ${node.kind} of` };
}

function checkUnderlying(node: SchemaNode, value: unknown, options: CodecOptions): Wrong | null {
  switch (node.kind) {
    case 'array':
      return Array.isArray(value) ? checkItems(node, value, options) : wrong(node, value);
    case 'map':
      return canBeMap(value) ? checkEntries(node.values, value, options) : wrong(node, value);
    case 'record':
      return checkRecord(node, value, options);
    case 'union':
      return checkUnion(node, value, options);
    case 'string':
      return checkString(value);
    default:
      return fits(node, value, options) ? null : wrong(node, value);
  }
}

function fits(node: SchemaNode, value: unknown, { conversions }: CodecOptions): boolean {
  switch (node.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return isInt(value);
    case 'long':
      return conversions.bigLongs(node) ? isBigLong(value) : isLong(value);
    case 'float':
      return isFloat(value);
    case 'bytes':
      return isBytes(value) && value.length === lengthOf(value) && !isDetached(value);
    case 'fixed':
      return isBytes(value) && value.length === lengthOf(value) && value.length === node.size;
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

function checkItems(node: ArrayNode, value: readonly unknown[], options: CodecOptions): Wrong | null {
  const { length } = value;
  if (!Number.isSafeInteger(length) || length < 0) return { path: '', text: `expected ${labelOf(node)}, got a proxy` };
  for (let i = 0; i < length; i++) {
    const found = checkMember(node.items, () => value[i], options);
    if (found !== null) return within(`[${i}]`, found);
  }
  return null;
}

/** A member of a value, whose getter or proxy may throw. */
function checkMember(node: SchemaNode, read: () => unknown, options: CodecOptions): Wrong | null {
  let member: unknown;
  try {
    member = read();
  } catch (error) {
    const reason = isError(error) ? textOf(error.message) : show(error);
    return { path: '', text: `it cannot be read (${cut(reason)})` };
  }
  return checkValue(node, member, options);
}

function checkEntries(
  values: SchemaNode,
  value: Readonly<Record<string, unknown>>,
  options: CodecOptions,
): Wrong | null {
  for (const key of Object.keys(value)) {
    const found = checkString(key) ?? checkMember(values, () => value[key], options);
    if (found !== null) return within(`[${quote(key)}]`, found);
  }
  return null;
}

function checkRecord(node: RecordNode, value: unknown, options: CodecOptions): Wrong | null {
  if (!isObject(value) || Array.isArray(value)) return wrong(node, value);
  const members = new RecordMembers(node);
  if (!members.takes(value, absentFields(node, value))) return wrong(node, value);
  let absent = 0;
  for (const field of node.fields) {
    const isAbsent = lacks(value, field.name);
    if (isAbsent && field.hasDefault) absent++;
    else {
      const found = checkMember(field.type, () => memberOf(value, field.name), options);
      if (found === null) continue;
      const unknown = isAbsent ? members.find(value, 1) : undefined;
      const hint = unknown === undefined ? '' : `; there is no field ${quote(unknown)}`;
      return within(`.${field.name}`, { path: found.path, text: found.text + hint });
    }
  }
  const unknown =
    options.checkAllFields || absent > 0 || node.fields.length === 0 ? members.find(value, absent) : undefined;
  if (unknown === undefined) return null;
  return { path: NAME.test(unknown) ? `.${unknown}` : `[${quote(unknown)}]`, text: noSuchField(node, unknown) };
}

function absentFields(node: RecordNode, value: AnyObject): number {
  return node.fields.filter(({ name }) => lacks(value, name)).length;
}

function lacks(value: AnyObject, name: string): boolean {
  try {
    return memberOf(value, name) === undefined;
  } catch {
    // It is there, and checked later.
    return false;
  }
}

function noSuchField(node: RecordNode, key: string): string {
  const near = nearestName(
    key,
    node.fields.map(({ name }) => name),
  );
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return `the record ${labelOf(node)} has no such field${hint}`;
}

function checkUnion(node: UnionNode, value: unknown, options: CodecOptions): Wrong | null {
  if (isWrapped(node)) return checkWrapped(node, value, options);
  const takers = branchesFor(node, value, options);
  if (takers.length > 1) {
    const labels = takers.map((index) => labelOf(node.branches[index]));
    return { path: '', text: `${show(value)} could be any of ${labels.join(', ')}` };
  }
  const others = node.branches.filter((branch) => branch.kind !== 'null');
  // Of the one branch that is not null, its class knows best what is wrong.
  if (takers.length === 0 && others.length === 1 && value !== undefined && options.conversions.of(others[0]) !== null)
    return checkValue(others[0], value, options);
  if (takers.length === 0) return wrongBranch(node, value, options);
  const found = checkValue(node.branches[takers[0]], value, options);
  // A part of the value says more than that no branch takes the whole.
  return found === null || found.path !== '' ? found : wrongBranch(node, value, options);
}

function wrongBranch(node: UnionNode, value: unknown, { conversions }: CodecOptions): Wrong {
  if (node.branches.length === 0) return wrong(node, value);
  const names = node.branches.map((branch) => conversions.of(branch)?.values ?? labelOf(branch));
  return { path: '', text: unfit(names.join(' or '), value) };
}

/**
 * The branches of a union that is not wrapped which may take a value: those without a class by what JavaScript sees of the value,
 * then those whose classes take it. A class is not asked for numbers, texts, bytes, booleans, null and arrays that are of another
 * branch; of objects only the class knows. More than one means that the value is ambiguous.
 */
export function branchesFor(node: UnionNode, value: unknown, options: CodecOptions): readonly number[] {
  const { conversions } = options;
  if (value === undefined) return [];
  const bare = node.branches.findIndex((branch) => conversions.of(branch) === null && isOfKind(branch, value, options));
  if (bare >= 0 && !canBeInstance(value)) return [bare];
  const takers = node.branches.flatMap((branch, index) =>
    conversions.of(branch) !== null && checkValue(branch, value, options) === null ? [index] : [],
  );
  if (bare < 0) return takers;
  if (takers.length > 0 && checkValue(node.branches[bare], value, options) !== null) return takers;
  return [bare, ...takers];
}

function canBeInstance(value: unknown): boolean {
  return isObject(value) && !Array.isArray(value) && !isBytes(value);
}

/** Whether JavaScript sees a value of this branch and of no other. */
function isOfKind(branch: SchemaNode, value: unknown, { conversions }: CodecOptions): boolean {
  switch (groupOf(branch)) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === (branch.kind === 'long' && conversions.bigLongs(branch) ? 'bigint' : 'number');
    case 'text':
      return typeof value === 'string';
    case 'bytes':
      return isBytes(value);
    case 'array':
      return Array.isArray(value);
    default:
      return canBeInstance(value) && isObject(value) && (branch.kind === 'map' ? canBeMap(value) : canBeRecord(value));
  }
}

function checkWrapped(node: UnionNode, value: unknown, options: CodecOptions): Wrong | null {
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
      return kindOf(value);
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
