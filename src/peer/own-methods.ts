/**
 * The methods of a service as this copy of the package calls and serves them. A process may have loaded two copies (two versions, or
 * ESM and CommonJS): a service of the other one has methods with numbers that this one never gave. So each gets a number here, by its
 * identity, once; whatever else a method carries is used as it is.
 *
 * Also refused here, before anything is called: what is no service, a service that went through JSON or `structuredClone` and lost its
 * codecs, and a method that stands under the name of another one.
 *
 * Called when a client is made (`stubs.ts`) and when handlers are added (`service-host.ts`), never per call.
 */
import type { ServiceDefinition } from '../avro/service/service.js';
import { RpcError } from '../base/errors.js';
import { type MethodSpec, methodKinds, ownMethod } from '../wire/message-codec.js';

/** Methods by their name in the service. Throws an `RpcError` (INVALID_ARGUMENT) for anything but a service. */
export function ownMethods(service: ServiceDefinition): readonly (readonly [name: string, spec: MethodSpec])[] {
  const { name, methods } = checkedService(service);
  return Object.entries(methods).map(([key, method]) => {
    const reason = wrongMethod(name, key, method);
    if (reason !== null) throw wrong(reason);
    return [key, ownMethod(method)];
  });
}

function wrong(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}

function checkedService(service: unknown): {
  readonly name: string;
  readonly methods: Readonly<Record<string, MethodSpec>>;
} {
  if (!isService(service))
    throw wrong('this is no service: it takes what defineService or serviceFromProtocol returned');
  return service;
}

function isService(value: unknown): value is ServiceDefinition {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('methods' in value)) return false;
  return typeof value.name === 'string' && typeof value.methods === 'object' && value.methods !== null;
}

/** What keeps a method from being called or served; null: nothing. */
function wrongMethod(service: string, key: string, method: unknown): string | null {
  if (typeof method !== 'object' || method === null || !('kind' in method) || !isKind(method.kind)) {
    return `the method ${key} of ${service} is none: it takes what defineService or serviceFromProtocol returned`;
  }
  if (!isCodec(Reflect.get(method, 'request')) || !isCodec(Reflect.get(method, 'response'))) {
    return `the method ${key} of ${service} has no codecs: JSON and structuredClone lose them; import the module that defines it`;
  }
  const name: unknown = Reflect.get(method, 'name');
  if (name === `${service}/${key}`) return null;
  return `the method ${key} of ${service} is ${String(name)} on the wire: to rename a method, give it to defineService`;
}

function isKind(kind: unknown): boolean {
  return methodKinds.some((known) => known === kind);
}

function isCodec(codec: unknown): boolean {
  if (typeof codec !== 'object' || codec === null || !('encode' in codec) || !('decode' in codec)) return false;
  return typeof codec.encode === 'function' && typeof codec.decode === 'function';
}
