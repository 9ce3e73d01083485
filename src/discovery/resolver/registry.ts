/** Where a server makes itself known, so that resolvers find it. Implemented by `EtcdRegistry`; used by `Server.register`. */
import type { Clock } from '../../base/clock.js';
import type { RpcError } from '../../base/errors.js';
import type { Endpoint } from './resolver.js';

export interface RegistryContext {
  readonly clock: Clock;
  /** From 0 (included) to 1. */
  readonly random: () => number;
  /** The registry could not be reached, or refused; it is tried again. */
  onError(error: RpcError): void;
}

export interface Registry {
  /** For texts, such as `etcd://127.0.0.1:2379/services/cities`. */
  readonly name: string;
  /** Makes the endpoint known and keeps it so, whatever happens to the registry meanwhile. */
  register(endpoint: Endpoint, context: RegistryContext): Registration;
}

export interface Registration {
  /**
   * Resolves when the registry has the endpoint for the first time; while the registry is away it waits. Rejects with an `RpcError`
   * (CANCELLED) when the endpoint was taken back before.
   */
  readonly registered: Promise<void>;
  /** Takes the endpoint back: clients are told at once. Resolves when that is done or has failed; never rejects. */
  unregister(): Promise<void>;
}
