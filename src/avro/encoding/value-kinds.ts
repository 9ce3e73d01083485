/**
 * Which JavaScript values may be a record, a map or bytes, and what to call the others. Many built-in objects look like a record
 * whose fields are all missing: a promise that nobody awaited, a `Map`, a `Date`. Where a schema has defaults, they would be
 * encoded as those defaults, so they are told apart here.
 *
 * All checks work across realms (`vm` contexts, copies of the package) and run no code of the value, except for its proxy traps.
 * Called by the writers and by `value-check.ts`.
 */
import { types } from 'node:util';

/** Any object; reading its members gives `unknown`. */
export type AnyObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is AnyObject {
  return typeof value === 'object' && value !== null;
}

/** A `Uint8Array` or `Buffer`, of any realm. `instanceof` first, because it is the fast one and nearly always enough. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || types.isUint8Array(value);
}

// oxlint-disable-next-line typescript/unbound-method -- called with the array that it is asked about
const lengthGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')?.get;

/** How many bytes there really are, whatever a property `length` of the object's own or of its class says. */
export function lengthOf(value: Uint8Array): number {
  return lengthGetter?.call(value);
}

/** Whether the bytes are gone, by a transfer to another thread or `structuredClone`: such an array looks empty. */
export function isDetached(value: Uint8Array): boolean {
  const { buffer } = value;
  if (value.length > 0 || buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length > 0;
  } catch {
    return true;
  }
}

/** Made by a literal, `JSON.parse` or `Object.create(null)`, in any realm, as opposed to an instance of a class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether an object that is no array may be a record. Instances of classes may: their fields are read by name. */
export function canBeRecord(value: AnyObject): boolean {
  return isPlain(value) || builtInKind(value) === null;
}

/** Whether a value may be a map. An instance of a class may, if it has properties of its own. */
export function canBeMap(value: unknown): value is AnyObject {
  if (!isObject(value) || Array.isArray(value)) return false;
  if (isPlain(value)) return !(Symbol.iterator in value);
  return builtInKind(value) === null && !types.isNativeError(value) && Object.keys(value).length > 0;
}

const kinds: readonly (readonly [is: (value: unknown) => boolean, kind: string])[] = [
  [types.isPromise, 'a Promise (is an await missing?)'],
  [types.isDate, 'a Date'],
  [types.isMap, 'a Map (Object.fromEntries makes an object of it)'],
  [types.isSet, 'a Set'],
  [types.isAnyArrayBuffer, 'an ArrayBuffer (a Uint8Array of it is bytes)'],
  [types.isDataView, 'a DataView'],
  [types.isTypedArray, 'a typed array'],
  [types.isRegExp, 'a RegExp'],
  [types.isBoxedPrimitive, 'a boxed primitive'],
  [types.isWeakMap, 'a WeakMap'],
  [types.isWeakSet, 'a WeakSet'],
  [types.isGeneratorObject, 'a generator'],
  [types.isExternal, 'an external value'],
];

/** What kind of built-in object it is, with its article; null for plain objects and for instances of other classes. */
export function builtInKind(value: object): string | null {
  if (types.isUint8Array(value)) return isDetached(value) ? 'bytes that were transferred' : `${lengthOf(value)} bytes`;
  for (const [is, kind] of kinds) if (is(value)) return kind;
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return 'an iterable object';
  if ('then' in value && typeof value.then === 'function') return 'a thenable (is an await missing?)';
  return null;
}

/** What an object that is neither plain nor an array is called in an error text. */
export function kindOf(value: object): string {
  const builtIn = builtInKind(value);
  if (builtIn !== null) return builtIn;
  if (types.isNativeError(value)) return 'an Error';
  const name = isPlain(value) ? '' : className(value);
  return name === '' ? 'an object' : `an instance of ${name}`;
}

/** The name of an object's class, without calling a getter of it. */
function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!isObject(prototype)) return '';
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor !== 'function') return '';
  const name: unknown = Object.getOwnPropertyDescriptor(constructor, 'name')?.value;
  return typeof name === 'string' ? name.slice(0, 60) : '';
}
