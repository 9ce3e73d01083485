/** Servers make themselves known in etcd, under a lease that ends when they do: `server.register(new EtcdRegistry({ ... }), { ... })`. */
import { RpcError } from '../../base/errors.js';
import { readOptions } from '../../base/options.js';
import { formatAddress, parseAddress } from '../resolver/address.js';
import type { Registration, Registry, RegistryContext } from '../resolver/registry.js';
import { checkWeight, type Endpoint } from '../resolver/resolver.js';
import { nameOf } from './client.js';
import { type EtcdRegistryOptions, etcdRegistryKinds } from './options.js';
import { EtcdRegistration } from './registration.js';

export class EtcdRegistry implements Registry {
  readonly name: string;
  readonly #options: EtcdRegistryOptions;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(given: EtcdRegistryOptions) {
    const options = readOptions('EtcdRegistry', given, etcdRegistryKinds);
    const { ttlSeconds = 10 } = options;
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
      throw new RpcError('INVALID_ARGUMENT', `ttlSeconds is ${ttlSeconds}, but must be a whole number of at least 1`);
    }
    this.name = nameOf(options);
    this.#options = options;
  }

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an endpoint that is wrong. `Server.register` calls this. */
  register(endpoint: Endpoint, context: RegistryContext): Registration {
    checkWeight(endpoint);
    const address = formatAddress(parseAddress(endpoint.address));
    const registration = new EtcdRegistration({ ...endpoint, address }, this.#options, context);
    registration.start();
    return registration;
  }
}
