/**
 * The members of a value that is written as a record: which objects are taken, and which of their properties no field has.
 *
 * - A property that is no field is refused in a plain object: it is most often a field misspelt, and where the field has a
 *   default, that default would be sent in place of the value that was given.
 * - An instance of a class may have other properties (what its getters read from, say) as long as no default stands in for a
 *   field that it lacks.
 * - An object that is neither plain nor has any of the fields is something else, whatever defaults there are.
 *
 * Only properties that are enumerable, of the object's own and named by a string count. To look at them costs as much as encoding a
 * short field, so a record that has all of its fields is looked at only where `checkAllFields` says so (see
 * `spec/decisions/014-unknown-fields.md`); one that lacks a field always is.
 *
 * `RecordMembers.check` is called by generated writers once they know how many fields a value lacks, `find` by `value-check.ts`.
 */
import type { RecordNode } from '../schema/schema.js';
import { type AnyObject, canBeRecord, isPlain } from './value-kinds.js';
import { mismatch } from './write-tap.js';

/** Names that every object has: a field of such a name is read only if it is the object's own. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** The member of a value that is the field `name`; undefined if it lacks it. */
export function memberOf(value: AnyObject, name: string): unknown {
  return isInherited(name) && !Object.hasOwn(value, name) ? undefined : value[name];
}

/** Whether records that lack no field are looked at for properties that are no fields: everywhere but in production. */
export function checkAllFields(): boolean {
  return process.env['NODE_ENV'] !== 'production';
}

export class RecordMembers {
  private readonly names: ReadonlySet<string>;

  constructor(record: RecordNode) {
    this.names = new Set(record.fields.map(({ name }) => name));
  }

  /** Throws `mismatch` unless `value`, which lacks `absent` of the fields, may be this record. */
  check(value: AnyObject, absent: number): void {
    if (!this.takes(value, absent) || this.find(value, absent) !== undefined) throw mismatch;
  }

  /** Whether `value` is an object of the right kind. */
  takes(value: AnyObject, absent: number): boolean {
    if (isPlain(value)) return true;
    return canBeRecord(value) && (absent === 0 || absent < this.names.size);
  }

  /** The first property that no field has and that is not allowed; undefined if there is none. */
  find(value: AnyObject, absent: number): string | undefined {
    if (absent === 0 && !isPlain(value)) return undefined;
    return Object.keys(value).find((key) => !this.names.has(key));
  }
}
