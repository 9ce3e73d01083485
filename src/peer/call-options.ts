/**
 * The options of one call, checked by name where they enter. Stubs call this for calls that have options, and fail the call with what it
 * throws. The usual options, a plain object of numbers and texts, cost one look at each of their own keys.
 */
import { ForeignSignal } from '../base/cancel-signal.js';
import { isError, textOf } from '../base/error-values.js';
import { RpcError } from '../base/errors.js';
import { type OptionKinds, readOptions, shown, unknownOption, wrongOption } from '../base/options.js';
import type { MethodSpec } from '../wire/message-codec.js';
import { describeWrongMetadata } from '../wire/records/metadata.js';
import type { CallOptions } from './public-types.js';

const kinds: OptionKinds<CallOptions> = {
  deadlineMs: 'checked',
  signal: 'checked',
  parent: 'checked',
  metadata: 'checked',
  priority: 'checked',
  ledger: 'checked',
  key: 'checked',
  waitForReady: 'checked',
  idempotent: 'checked',
};

/** The same options, or a plain copy of unusual ones. Throws an `RpcError` (INVALID_ARGUMENT), or what a getter throws. */
export function readCallOptions(given: CallOptions, method: MethodSpec): CallOptions {
  // Of Map, Date or Promise no key is an option; of a class, getters are.
  const isPlain = typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype;
  const options = isPlain ? given : readOptions(placeOf(method), given, kinds);
  for (const name in options) {
    const wanted = wantedInstead(name, options);
    if (wanted === null) continue;
    if (!Object.hasOwn(kinds, name)) throw unknownOption(placeOf(method), name, Object.keys(kinds));
    throw wrongOption(placeOf(method), name, Reflect.get(options, name), wanted);
  }
  return options;
}

/** The error of a call whose options cannot be read. */
export function optionsError(error: unknown, method: MethodSpec): RpcError {
  if (error instanceof RpcError) return error;
  const text = isError(error) ? textOf(error.message) : shown(error);
  const message = `the options of ${placeOf(method)} cannot be read: ${text}`;
  return new RpcError('INVALID_ARGUMENT', message, { cause: error });
}

/** What cancels the call: signals of other realms and libraries work too. */
export function signalOf(signal: AbortSignal): AbortSignal | ForeignSignal {
  return signal instanceof AbortSignal ? signal : new ForeignSignal(signal);
}

function placeOf({ name }: MethodSpec): string {
  return `the call of ${name}`;
}

/** What the option of this name must be instead; null: it is right. */
function wantedInstead(name: string, options: CallOptions): string | null {
  switch (name) {
    case 'deadlineMs':
      return wantNumber(options.deadlineMs);
    case 'signal':
      return wantSignal(options.signal);
    case 'parent':
      return wantParent(options.parent);
    case 'metadata':
      return wantMetadata(options.metadata);
    case 'priority':
      return options.priority === undefined || Number.isSafeInteger(options.priority) ? null : 'a whole number';
    case 'key':
      return options.key === undefined || typeof options.key === 'string' ? null : 'a string';
    case 'ledger':
      return wantBoolean(options.ledger);
    case 'waitForReady':
      return wantBoolean(options.waitForReady);
    case 'idempotent':
      return wantBoolean(options.idempotent);
    default:
      // Something may have been added to every object's prototype.
      return Object.hasOwn(options, name) ? 'absent' : null;
  }
}

function wantNumber(value: unknown): string | null {
  if (value === undefined || (typeof value === 'number' && !Number.isNaN(value))) return null;
  return 'a number of milliseconds';
}

function wantBoolean(value: unknown): string | null {
  return value === undefined || typeof value === 'boolean' ? null : 'true or false';
}

function wantSignal(signal: unknown): string | null {
  if (signal === undefined || signal === null || signal instanceof AbortSignal) return null;
  if (typeof signal === 'object' && 'aborted' in signal && 'addEventListener' in signal) {
    if (typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function') return null;
  }
  const isController = typeof signal === 'object' && 'signal' in signal;
  return isController ? 'an AbortSignal: pass controller.signal' : 'an AbortSignal';
}

function wantParent(parent: unknown): string | null {
  if (parent === undefined) return null;
  const isContext =
    typeof parent === 'object' &&
    parent !== null &&
    'deadlineMs' in parent &&
    typeof parent.deadlineMs === 'number' &&
    'peer' in parent;
  return isContext ? null : 'the context of a handler';
}

function wantMetadata(metadata: unknown): string | null {
  if (metadata === undefined || metadata === null) return null;
  const wrong = describeWrongMetadata(metadata);
  if (wrong === null) return null;
  throw new RpcError('INVALID_ARGUMENT', `metadata: ${wrong}`);
}
