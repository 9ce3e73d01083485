/**
 * What a resolver tells its channel. A list with the same endpoints in another order is not told again: name servers rotate
 * their answers. After `close` nothing is told.
 */
import { limitError, type RpcError } from '../base/errors.js';
import type { Endpoint, ResolverContext } from './resolver.js';

/** Endpoints that a resolver takes from a name server or from etcd. */
export const ENDPOINTS_MAX = 1_000;

export class EndpointList {
  private told: string | null = null;
  private closed = false;

  constructor(
    private readonly context: ResolverContext,
    private readonly source: string,
    private readonly endpointsMax = ENDPOINTS_MAX,
  ) {}

  /** Tells the list if it differs from the last one; says whether it did. Of endpoints with one address the first counts. */
  push(endpoints: Iterable<Endpoint>): boolean {
    const byAddress = new Map<string, Endpoint>();
    for (const endpoint of endpoints) {
      if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint);
    }
    const sorted = [...byAddress.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    const list = sorted.slice(0, this.endpointsMax);
    const text = JSON.stringify(
      list.map(({ address, weight, priority, serverName }) => [address, weight, priority, serverName]),
    );
    if (this.closed || text === this.told) return false;
    this.told = text;
    this.context.onEndpoints(list);
    if (list.length < sorted.length) this.error(this.tooMany());
    return true;
  }

  /** The list could not be renewed, or only in part. */
  error(error: RpcError): void {
    if (!this.closed) this.context.onError(error);
  }

  close(): void {
    this.closed = true;
  }

  private tooMany(): RpcError {
    const limit = { name: 'endpointsMax', value: this.endpointsMax, setting: 'endpointsMax of the resolver' };
    return limitError(`${this.source} names more endpoints than are taken`, limit);
  }
}
