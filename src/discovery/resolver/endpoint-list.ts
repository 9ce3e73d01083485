/**
 * What a resolver pushes to its channel. The same endpoints in another order are not pushed again, since name servers rotate their answers.
 * After a failure an equal list is pushed too, which shows that look-ups work again. After `close` nothing is pushed.
 */
import { limitError, type RpcError } from '../../base/errors.js';
import type { Endpoint, ResolverContext } from './resolver.js';

/** Endpoints that a resolver takes from a name server or from etcd. */
export const ENDPOINTS_MAX = 1_000;
/** Of a longer list, this many times the limit are read and sorted, so that the same ones are taken in any order; more would take long. */
const LOOKED_AT = 4;

export class EndpointList {
  private told: string | null = null;
  /** A look-up has failed since the list was pushed. */
  private broken = false;
  private closed = false;

  constructor(
    private readonly context: ResolverContext,
    private readonly source: string,
    private readonly endpointsMax = ENDPOINTS_MAX,
  ) {}

  /**
   * Pushes the list if it differs from the last one, or after a failure. Returns whether it differs. Of endpoints with the same address the
   * first counts.
   */
  push(endpoints: Iterable<Endpoint>): boolean {
    const byAddress = new Map<string, Endpoint>();
    for (const endpoint of endpoints) {
      if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint);
      if (byAddress.size >= LOOKED_AT * this.endpointsMax) break;
    }
    const sorted = [...byAddress.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    const list = sorted.slice(0, this.endpointsMax);
    const text = JSON.stringify(
      list.map(({ address, weight, priority, serverName, instance }) => [
        address,
        weight,
        priority,
        serverName,
        instance,
      ]),
    );
    const isNew = text !== this.told;
    if (this.closed || !(isNew || this.broken)) return false;
    this.told = text;
    this.broken = false;
    this.context.onEndpoints(list);
    if (list.length < sorted.length) this.error(this.tooMany());
    return isNew;
  }

  /** A look-up failed. */
  failed(error: RpcError): void {
    this.broken = true;
    this.error(error);
  }

  /** The same two methods, as the context of a `LookUpLoop`. */
  contextOfLoop(): ResolverContext {
    const { clock, random } = this.context;
    return {
      clock,
      random,
      onEndpoints: (endpoints) => void this.push(endpoints),
      onError: (error) => this.failed(error),
    };
  }

  /** Reports a problem with what was found. */
  error(error: RpcError): void {
    if (!this.closed) this.context.onError(error);
  }

  close(): void {
    this.closed = true;
  }

  private tooMany(): RpcError {
    const limit = { name: 'endpointsMax', value: this.endpointsMax, setting: 'endpointsMax of the resolver' };
    return limitError(`${this.source} lists more endpoints than are taken`, limit);
  }
}
