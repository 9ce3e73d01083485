/** Servers make themselves known in etcd, under a lease that ends when they do: `server.register(new EtcdRegistry({ ... }), { ... })`. */
import { RpcError } from '../base/errors.js';
import { formatAddress, parseAddress } from './address.js';
import { type EtcdOptions, nameOf } from './etcd-client.js';
import { EtcdRegistration } from './etcd-registration.js';
import type { Registration, Registry, RegistryContext } from './registry.js';
import { checkWeight, type Endpoint } from './resolver.js';

export interface EtcdRegistryOptions extends EtcdOptions {
  /**
   * Time after which etcd forgets a server that has died, in whole seconds; it is renewed three times as often. Under 6, a pause of
   * etcd that is longer may empty the list. Default 10 s.
   */
  readonly ttlSeconds?: number;
}

export class EtcdRegistry implements Registry {
  readonly name: string;
  private readonly options: EtcdRegistryOptions;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(options: EtcdRegistryOptions) {
    const { ttlSeconds = 10 } = options;
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
      throw new RpcError('INVALID_ARGUMENT', `ttlSeconds is ${ttlSeconds}, but must be a whole number of at least 1`);
    }
    this.name = nameOf(options);
    this.options = options;
  }

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an endpoint that is wrong. `Server.register` calls this. */
  register(endpoint: Endpoint, context: RegistryContext): Registration {
    checkWeight(endpoint);
    const address = formatAddress(parseAddress(endpoint.address));
    const registration = new EtcdRegistration({ ...endpoint, address }, this.options, context);
    registration.start();
    return registration;
  }
}
