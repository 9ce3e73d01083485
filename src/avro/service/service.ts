/**
 * A service: a name and a table of methods, compiled into what both sides of a connection need. Nothing here runs per call.
 *
 * A definition is checked and its schemas are compiled when it is made, so that a mistake shows there and not at the first call.
 * `client/` builds `Client<S>` and `server/` builds `Handlers<S>` on the types here.
 */
import { RpcError } from '../../base/errors.js';
import { type OptionKinds, readOptions } from '../../base/options.js';
import type { CompressionName, MethodSpec } from '../../wire/message-codec.js';
import { declareOwnMethod, methodKinds, nextMethodOrdinal } from '../../wire/message-codec.js';
import type { LogicalTypesOption } from '../logical/conversions.js';
import type { DeclaredErrorOptions, DeclaredErrorsCodec } from './declared-error.js';
import { DeclaredError, declaredErrors } from './declared-error.js';
import type { Longs } from './infer.js';

import { checkValueOptions, type ErrorInputs, type ErrorsOf, type Method } from './method.js';
import { raw } from './raw.js';
import { MessageCodecs } from './source-codecs.js';

/** Methods by name. */
export interface MethodTable {
  readonly [name: string]: Method;
}

/** Defaults for those methods of a service that do not say otherwise. */
export interface ServiceOptions<L extends Longs | undefined, G extends LogicalTypesOption | undefined> {
  /** JavaScript type of Avro's `long`. Default `'number'`: values beyond +-(2^53 - 1) are errors, never rounded. */
  readonly longs?: L;
  /** `'standard'`, or classes for logical types by name. Default none: a logical type is its underlying type. */
  readonly logicalTypes?: G;
  /** Compression of messages. Default: the channel's or the server's setting. */
  readonly compression?: CompressionName;
}

/** One method as a connection needs it, with the definition that it came from. */
export interface ServiceMethod<M extends Method = Method> extends MethodSpec {
  readonly errors: DeclaredErrorsCodec | null;
  readonly definition: M;
}

/** A service, ready for `channel.client(service)` and `server.add(service, handlers)`. */
export interface ServiceDefinition<Methods extends MethodTable = MethodTable> {
  /** Name with namespace, such as `demo.Cities`. */
  readonly name: string;
  readonly methods: { readonly [N in keyof Methods]: ServiceMethod<Methods[N]> };
}

/** Methods of which those that say nothing about values follow the service. */
type WithDefaults<Methods extends MethodTable, L, G> = [L, G] extends [undefined, undefined]
  ? Methods
  : { readonly [N in keyof Methods]: MethodWithDefaults<Methods[N], L, G> };

type MethodWithDefaults<M extends Method, L, G> =
  M extends Method<infer Kind, infer Request, infer Response, infer Errors, infer OwnL, infer OwnG>
    ? Method<Kind, Request, Response, Errors, Default<OwnL, L, Longs>, Default<OwnG, G, LogicalTypesOption>>
    : never;

type Default<Own, Given, Type> = Own extends undefined ? Extract<Given, Type | undefined> : Own;

/**
 * Defines a service. `name` may have a namespace with dots; names of its parts and of methods are `[A-Za-z_][A-Za-z0-9_]*`,
 * and `name/method` is at most 255 characters. Throws an `RpcError` that says which name or which schema is wrong and why
 * (INVALID_ARGUMENT; RESOURCE_EXHAUSTED for a schema beyond a limit).
 */
export function defineService<
  Methods extends MethodTable,
  L extends Longs | undefined = undefined,
  G extends LogicalTypesOption | undefined = undefined,
>(name: string, methods: Methods, options?: ServiceOptions<L, G>): ServiceDefinition<WithDefaults<Methods, L, G>>;
export function defineService(name: string, methods: MethodTable, given?: AnyOptions): ServiceDefinition {
  checkServiceName(name);
  const options = readOptions(`defineService('${name}')`, given, optionKinds);
  checkValueOptions(`defineService('${name}')`, options);
  const bound: Record<string, ServiceMethod> = Object.create(null);
  for (const [methodName, method] of Object.entries(checkedTable(name, methods))) {
    bound[methodName] = bind(`${name}/${methodName}`, methodName, method, options);
  }
  if (Object.keys(bound).length === 0) throw wrong(`${name}: a service has at least one method`);
  return Object.freeze<ServiceDefinition>({ name, methods: Object.freeze(bound) });
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const nameLengthMax = 255;

function wrong(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}

function checkServiceName(name: string): void {
  if (typeof name !== 'string') throw wrong(`a service name must be a string, not ${typeof name}`);
  if (!name.split('.').every((part) => namePattern.test(part))) {
    throw wrong(`service name ${JSON.stringify(name)}: each part between dots must match [A-Za-z_][A-Za-z0-9_]*`);
  }
}

/** A key `__proto__` in a literal is not a property but replaces the prototype, and its method would be lost in silence. */
function checkedTable(name: string, methods: MethodTable): MethodTable {
  if (typeof methods !== 'object' || methods === null) throw wrong(`${name}: methods must be an object`);
  const prototype: unknown = Object.getPrototypeOf(methods);
  if (prototype !== Object.prototype && prototype !== null) {
    throw wrong(`${name}: methods must be a plain object (is a method called __proto__?)`);
  }
  return methods;
}

type AnyOptions = ServiceOptions<Longs | undefined, LogicalTypesOption | undefined>;

const optionKinds: OptionKinds<AnyOptions> = { longs: 'checked', logicalTypes: 'checked', compression: 'checked' };

function bind(path: string, methodName: string, given: Method, options: AnyOptions): ServiceMethod {
  checkMethodName(path, methodName);
  const method = definitionOf(given);
  if (!methodKinds.includes(method?.kind)) {
    throw wrong(`${path}: must be made by unary, serverStream, clientStream, duplex, blob or oneway`);
  }
  const longs = method.longs ?? options.longs;
  const logicalTypes = method.logicalTypes ?? options.logicalTypes;
  const codecs = new MessageCodecs(path, longs, logicalTypes);
  const errors = method.errors.length === 0 ? null : codecs.errors(method.errors);
  const bound = Object.freeze<ServiceMethod>({
    ordinal: nextMethodOrdinal(),
    name: path,
    kind: method.kind,
    request: codecs.of(method.request, 'request'),
    // A oneway method has no response; raw means that no schema is declared for it.
    response: method.kind === 'oneway' ? raw : codecs.of(method.response, 'response'),
    errors,
    declared: errors === null ? null : declaredErrors(errors),
    idempotent: method.idempotent,
    compression: method.compression ?? options.compression,
    definition: Object.freeze({ ...method, longs, logicalTypes }),
  });
  declareOwnMethod(bound);
  return bound;
}

/** A method of another service, `{ ...Cities.methods }`, becomes a method of this one. */
function definitionOf(method: Method | ServiceMethod): Method {
  return typeof method === 'object' && method !== null && 'definition' in method ? method.definition : method;
}

/**
 * A client is an object of methods: with one called `then`, awaiting the client would call it. Handlers are written as an object
 * too, in which `__proto__` is no property.
 */
function checkMethodName(path: string, name: string): void {
  if (!namePattern.test(name)) throw wrong(`${path}: a method name must match [A-Za-z_][A-Za-z0-9_]*`);
  if (name === '__proto__') throw wrong(`${path}: a method cannot be called __proto__`);
  if (name === 'then') throw wrong(`${path}: a method cannot be called then, since a client would pass for a promise`);
  if (path.length > nameLengthMax) {
    throw wrong(`${path}: service and method name together have ${path.length} of at most ${nameLengthMax} characters`);
  }
}

// Declared errors, typed.

/**
 * An error for a handler to throw, checked against what the method declares:
 * `throw declared(Cities.methods.get, 'demo.NoCity', { id: 7 })`.
 */
export function declared<M extends ServiceMethod, Name extends ErrorInputs<M>['errorName']>(
  _method: M,
  name: Name,
  value: ErrorValue<ErrorInputs<M>, Name>,
  options?: DeclaredErrorOptions,
): DeclaredError<Name, ErrorValue<ErrorInputs<M>, Name>> {
  return new DeclaredError(name, value, options);
}

type ErrorValue<E, Name> = E extends DeclaredError<infer N, infer Value> ? (Name extends N ? Value : never) : never;

/**
 * Whether what a call threw is one of the errors that the method declares; if so, `errorName` tells them apart and `value` is
 * typed: `if (isDeclared(error, Cities.methods.get)) console.log(error.value.id)`.
 */
export function isDeclared<M extends ServiceMethod>(error: unknown, method: M): error is ErrorsOf<M> {
  return error instanceof DeclaredError && (method.errors?.errorNames.includes(error.errorName) ?? false);
}
