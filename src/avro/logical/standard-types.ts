/**
 * The logical types of the Avro specification as JavaScript values: what `logicalTypes: 'standard'` gives. Each class converts one
 * of them, in the form that `logical-types.ts` takes from applications too.
 *
 * Every conversion is exact or an error: a Date holds whole milliseconds, so microseconds that do not fit are refused unless
 * `RoundedMicrosType` is chosen; a decimal is written with another scale only if no digit is lost.
 *
 * The times of a day and the local timestamps of millis and micros stay numbers: no JavaScript type means the same.
 */
import type { SchemaObject } from '../schema/schema.js';
import { Decimal, isDecimal } from './decimal.js';

const DAY_MS = 86_400_000;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const UINT32_MAX = 0xffff_ffff;

/** Milliseconds of a Date of any realm; throws for an invalid one. */
function millisOf(value: unknown): number | undefined {
  if (Object.prototype.toString.call(value) !== '[object Date]') return undefined;
  const millis = Date.prototype.getTime.call(value);
  if (Number.isNaN(millis)) throw new Error('it is an invalid Date');
  return millis;
}

function dateOf(millis: number): Date {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) throw new Error('it is beyond what a Date holds');
  return date;
}

/** `date` (days since 1970-01-01): a Date at midnight UTC. A Date with a time of day is an error. */
export class DateType {
  static readonly values = 'a Date';

  _fromValue(days: number): Date {
    return dateOf(days * DAY_MS);
  }
  _toValue(date: Date): number | undefined {
    const millis = millisOf(date);
    if (millis !== undefined && millis % DAY_MS !== 0) throw new Error('it is not midnight UTC');
    return millis === undefined ? undefined : millis / DAY_MS;
  }
}

/** `timestamp-millis`: a Date. */
export class MillisType {
  static readonly values = 'a Date';
  static readonly longs = 'number';

  _fromValue(millis: number): Date {
    return dateOf(millis);
  }
  _toValue(date: Date): number | undefined {
    return millisOf(date);
  }
}

/** `timestamp-micros`: a Date. Microseconds that are not whole milliseconds are an error. */
export class MicrosType {
  static readonly values = 'a Date';
  static readonly longs = 'bigint';

  _fromValue(micros: bigint): Date {
    if (micros % 1000n !== 0n) throw new Error('a Date would lose its microseconds');
    return dateOf(Number(micros / 1000n));
  }
  _toValue(date: Date): bigint | undefined {
    const millis = millisOf(date);
    return millis === undefined ? undefined : BigInt(millis) * 1000n;
  }
}

/** `timestamp-micros`: a Date at the start of the millisecond. Choose it where the microseconds may get lost. */
export class RoundedMicrosType extends MicrosType {
  override _fromValue(micros: bigint): Date {
    const rest = micros % 1000n;
    return super._fromValue(micros - (rest < 0n ? rest + 1000n : rest));
  }
}

/** A long as a bigint, whatever `longs` says: nanoseconds are beyond what a number holds exactly. */
export class BigIntType {
  static readonly values = 'a bigint';
  static readonly longs = 'bigint';

  _fromValue(value: bigint): bigint {
    return value;
  }
  _toValue(value: bigint): bigint | undefined {
    return typeof value === 'bigint' ? value : undefined;
  }
}

/** `decimal`: a `Decimal` of the schema's scale. Takes one of any scale that fits without losing a digit, and its text. */
export class DecimalType {
  static readonly values: string = 'a Decimal';
  private readonly precision: number;
  private readonly scale: number;
  /** Bytes of a fixed; 0 for bytes, which take as few as possible. */
  private readonly size: number;
  private readonly bound: bigint;

  constructor(schema: SchemaObject) {
    const { precision, scale, size } = schema;
    this.precision = typeof precision === 'number' ? precision : 0;
    this.scale = typeof scale === 'number' ? scale : 0;
    this.size = typeof size === 'number' ? size : 0;
    this.bound = 10n ** BigInt(this.precision);
  }

  _fromValue(bytes: Buffer): Decimal {
    const unscaled = signedOf(bytes);
    if (!this.fits(unscaled)) throw new Error(`it has more than ${this.precision} digits`);
    return new Decimal(unscaled, this.scale);
  }

  _toValue(value: Decimal | string): Buffer | undefined {
    const given = typeof value === 'string' ? Decimal.of(value) : value;
    if (!isDecimal(given)) return undefined;
    const exact = new Decimal(given.unscaled, given.scale).rescaled(this.scale);
    if (exact === null) throw new Error(`it has more than ${this.scale} digits behind the point`);
    if (!this.fits(exact.unscaled)) throw new Error(`it has more than ${this.precision} digits`);
    return bytesOf(exact.unscaled, this.size);
  }

  private fits(unscaled: bigint): boolean {
    return unscaled < this.bound && unscaled > -this.bound;
  }
}

/** `decimal` as text, with all digits of the schema's scale: `19.90`. */
export class DecimalTextType {
  static readonly values = 'a decimal number as text';
  private readonly decimals: DecimalType;

  constructor(schema: SchemaObject) {
    this.decimals = new DecimalType(schema);
  }
  _fromValue(bytes: Buffer): string {
    return this.decimals._fromValue(bytes).toString();
  }
  _toValue(value: string): Buffer | undefined {
    return typeof value === 'string' ? this.decimals._toValue(value) : undefined;
  }
}

/** `uuid` of a string or of 16 bytes: a string such as `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`. From bytes it is in lower case. */
export class UuidType {
  static readonly values = 'a UUID';
  private readonly asBytes: boolean;

  constructor(schema: SchemaObject) {
    this.asBytes = schema.type === 'fixed';
  }
  _fromValue(value: string | Buffer): string {
    if (typeof value !== 'string') {
      return value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    }
    if (!UUID.test(value)) throw new Error('it is not a UUID');
    return value;
  }
  _toValue(value: string): string | Buffer | undefined {
    if (typeof value !== 'string' || !UUID.test(value)) return undefined;
    return this.asBytes ? Buffer.from(value.replaceAll('-', ''), 'hex') : value;
  }
}

/** The value of Avro's `duration`: three counts that do not convert into each other, each from 0 to 4,294,967,295. */
export interface Duration {
  readonly months: number;
  readonly days: number;
  readonly millis: number;
}

/** `duration`: `{ months, days, millis }`. */
export class DurationType {
  static readonly values = '{ months, days, millis }';

  _fromValue(bytes: Buffer): Duration {
    return { months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), millis: bytes.readUInt32LE(8) };
  }
  _toValue(value: Duration): Buffer | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const { months, days, millis, ...others } = value;
    const counts = [months, days, millis];
    if (Object.keys(others).length > 0 || !counts.every(isCount)) return undefined;
    const bytes = Buffer.alloc(12);
    counts.forEach((count, i) => bytes.writeUInt32LE(count, 4 * i));
    return bytes;
  }
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= UINT32_MAX;
}

/** Two's complement, most significant byte first. */
function signedOf(bytes: Buffer): bigint {
  if (bytes.length === 0) throw new Error('it has no bytes');
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));
}

function bytesOf(value: bigint, size: number): Buffer {
  let length = size;
  if (size === 0) {
    const magnitude = value < 0n ? -1n - value : value;
    length = Math.floor(magnitude.toString(16).length / 2) + 1;
    // A byte less where the sign fits without it.
    if (length > 1 && BigInt.asIntN(8 * (length - 1), value) === value) length--;
  }
  const hex = BigInt.asUintN(8 * length, value).toString(16);
  return Buffer.from(hex.padStart(2 * length, '0'), 'hex');
}

/**
 * Classes for the logical types of the specification, by name. `logicalTypes: 'standard'` means all of them; a table of your own
 * may take single ones and replace others: `{ ...standardLogicalTypes, decimal: DecimalTextType }`.
 */
export const standardLogicalTypes = Object.freeze({
  date: DateType,
  'timestamp-millis': MillisType,
  'timestamp-micros': MicrosType,
  'timestamp-nanos': BigIntType,
  'local-timestamp-nanos': BigIntType,
  decimal: DecimalType,
  uuid: UuidType,
  duration: DurationType,
});
