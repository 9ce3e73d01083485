/** Where servers register, so that resolvers find them. Implemented by `EtcdRegistry`; used by `Server.register`. */
import type { Clock } from '../../base/clock.js';
import type { RpcError } from '../../base/errors.js';
import type { Endpoint } from './resolver.js';

export interface RegistryContext {
  readonly clock: Clock;
  /** From 0 (included) to 1. */
  readonly random: () => number;
  /** The registry could not be reached or refused; the registration is retried. */
  onError(error: RpcError): void;
}

export interface Registry {
  /** For error texts, such as `etcd://127.0.0.1:2379/services/cities`. */
  readonly name: string;
  /** Registers the endpoint, and keeps it registered through failures of the registry. */
  register(endpoint: Endpoint, context: RegistryContext): Registration;
}

export interface Registration {
  /**
   * Resolves when the endpoint is registered for the first time; waits while the registry is unreachable. Rejects with an `RpcError`
   * (CANCELLED) when `unregister` was called before.
   */
  readonly registered: Promise<void>;
  /** Removes the endpoint, which clients learn at once. Resolves when that is done or has failed; never rejects. */
  unregister(): Promise<void>;
}
