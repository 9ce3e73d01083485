/**
 * Exact decimal numbers, the values of Avro's logical type `decimal`: an integer and how many of its digits stand behind the point.
 * It holds what travels and does no arithmetic: for that, hand `unscaled` and `scale`, or the text, to a library of your choice.
 *
 * Used by `standard-types.ts`, and by applications through the package's exports.
 */
import { RpcError } from '../../base/errors.js';

const FORM = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const DIGITS_MAX = 10_000;

/** An exact decimal number: `unscaled` x 10^-`scale`. `new Decimal(1999n, 2)` and `Decimal.of('19.99')` are the same number. */
export class Decimal {
  /** All digits as one integer. */
  readonly unscaled: bigint;
  /** How many of the digits stand behind the point: 0 or more. */
  readonly scale: number;

  /** Throws an `RpcError` (INVALID_ARGUMENT) unless `unscaled` is a bigint and `scale` an integer from 0 to 10,000. */
  constructor(unscaled: bigint, scale: number) {
    if (typeof unscaled !== 'bigint' || !Number.isInteger(scale) || scale < 0 || scale > DIGITS_MAX) {
      throw invalid(`a decimal is a bigint and a scale from 0 to ${DIGITS_MAX}`);
    }
    this.unscaled = unscaled;
    this.scale = scale;
    Object.freeze(this);
  }

  /** From digits with an optional sign and point, such as `-19.90` (of scale 2). Throws an `RpcError` (INVALID_ARGUMENT) for others. */
  static of(text: string): Decimal {
    if (typeof text !== 'string') throw invalid(`a decimal number is made of a string, not of a ${typeof text}`);
    const parts = text.length <= DIGITS_MAX ? FORM.exec(text) : null;
    if (parts === null) throw invalid(`${JSON.stringify(text.slice(0, 60))} is not a decimal number such as -19.90`);
    const [, sign, whole, fraction = ''] = parts;
    const unscaled = BigInt(whole + fraction);
    return new Decimal(sign === '-' ? -unscaled : unscaled, fraction.length);
  }

  /** The same number with `scale` digits behind the point; null if digits that are not 0 would be cut off. */
  rescaled(scale: number): Decimal | null {
    if (scale === this.scale) return this;
    if (scale > this.scale) return new Decimal(this.unscaled * 10n ** BigInt(scale - this.scale), scale);
    const factor = 10n ** BigInt(this.scale - scale);
    return this.unscaled % factor === 0n ? new Decimal(this.unscaled / factor, scale) : null;
  }

  /** Whether the two are the same number, whatever their scales. */
  equals(other: Decimal): boolean {
    const scale = Math.max(this.scale, other.scale);
    return this.rescaled(scale)?.unscaled === other.rescaled(scale)?.unscaled;
  }

  /** With all digits of the scale: `19.90`. */
  toString(): string {
    const negative = this.unscaled < 0n;
    const digits = String(negative ? -this.unscaled : this.unscaled).padStart(this.scale + 1, '0');
    const point = digits.length - this.scale;
    const text = this.scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
    return negative ? `-${text}` : text;
  }

  /** As text, since a number of JSON would be rounded. */
  toJSON(): string {
    return this.toString();
  }
}

/** Whether a value is a decimal, of any copy of the package. */
export function isDecimal(value: unknown): value is Decimal {
  if (value instanceof Decimal) return true;
  if (typeof value !== 'object' || value === null || !('unscaled' in value) || !('scale' in value)) return false;
  const { unscaled, scale } = value;
  return typeof unscaled === 'bigint' && typeof scale === 'number' && Number.isInteger(scale) && scale >= 0;
}

function invalid(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}
