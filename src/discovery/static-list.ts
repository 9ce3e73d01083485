/** Endpoints that are known from the start: one address or a list of them. */
import { RpcError } from '../base/errors.js';
import { readOptions, shown } from '../base/options.js';
import { formatAddress, parseAddress } from './resolver/address.js';
import {
  checkWeight,
  type Endpoint,
  endpointKinds,
  type Resolver,
  type ResolverContext,
  startedTwice,
} from './resolver/resolver.js';

/** `new StaticList(['tcp://a:50051', { address: 'tcp://b:50051', weight: 2 }])`, for `connect`. */
export class StaticList implements Resolver {
  readonly name: string;
  private readonly endpoints: readonly Endpoint[];
  private started = false;

  /** Of two endpoints with one address the first counts. Throws an `RpcError` (INVALID_ARGUMENT) for no address or a wrong one. */
  constructor(endpoints: readonly (string | Endpoint)[]) {
    if (!Array.isArray(endpoints)) {
      throw new RpcError('INVALID_ARGUMENT', `the list of endpoints is ${shown(endpoints)}, but must be an array`);
    }
    const byAddress = new Map<string, Endpoint>();
    for (const given of endpoints) {
      const endpoint =
        typeof given === 'string' ? { address: given } : readOptions('an endpoint', given, endpointKinds);
      const address = formatAddress(parseAddress(endpoint.address));
      checkWeight(endpoint);
      if (!byAddress.has(address)) byAddress.set(address, { ...endpoint, address });
    }
    if (byAddress.size === 0) throw new RpcError('INVALID_ARGUMENT', 'a list of endpoints needs at least one address');
    this.endpoints = [...byAddress.values()];
    this.name = [...byAddress.keys()].join(',');
  }

  start(context: ResolverContext): void {
    if (this.started) throw startedTwice(this);
    this.started = true;
    context.onEndpoints(this.endpoints);
  }

  refresh(): void {}

  stop(): void {}
}
