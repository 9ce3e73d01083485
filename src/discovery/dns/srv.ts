/**
 * `dns+srv://_rpc._tcp.name`: the endpoints that SRV records name, with their ports, weights and priorities, such as the named port
 * of a headless service in Kubernetes. The name is asked for as it is written, without search domains. The targets are looked up
 * for their addresses; the weight of a target is divided among those. With `dns+srv+tls://`, a forged DNS answer could lead to any server
 * with a valid certificate of its own: targets outside the domain of the name are left out, unless `serverName` is given.
 */
import { Resolver as SystemNameServers } from 'node:dns/promises';
import { isError } from '../../base/error-values.js';
import { RpcError, toRpcError } from '../../base/errors.js';
import { type OptionKinds, readOptions } from '../../base/options.js';
import { formatAddress } from '../resolver/address.js';
import { ENDPOINTS_MAX, EndpointList } from '../resolver/endpoint-list.js';
import { LookUpLoop, type LookUpOptions, lookUpOptionKinds } from '../resolver/look-up-loop.js';
import { type Endpoint, type Resolver, type ResolverContext, startedTwice } from '../resolver/resolver.js';
import { AddressBook, type NameServers, type SrvRecord, unlessNone } from './address-book.js';

export interface SrvResolverOptions extends LookUpOptions {
  /** Name of the SRV records: `_rpc._tcp.cities.default.svc.cluster.local`. */
  readonly name: string;
  /** Endpoints are `tls://`, and their certificates must show the host name of their SRV record. Default false. */
  readonly tls?: boolean;
  /** With `tls`: the name that all certificates must show; targets in any domain are taken. */
  readonly serverName?: string;
  /** The name servers for SRV, A and AAAA records. Default: `new Resolver()` of node:dns/promises, the system's name servers. */
  readonly dns?: NameServers;
}

/** Records of weight 0 get few calls beside others (RFC 2782), but some. */
const LEAST_WEIGHT = 0.1;

const kinds: OptionKinds<SrvResolverOptions> = {
  ...lookUpOptionKinds,
  name: 'string',
  tls: 'boolean',
  serverName: 'string',
  dns: 'object',
};

export class SrvResolver implements Resolver {
  readonly name: string;
  private readonly options: SrvResolverOptions;
  private readonly dns: NameServers;
  private readonly book: AddressBook;
  private list: EndpointList | null = null;
  private loop: LookUpLoop | null = null;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(given: SrvResolverOptions) {
    const options = readOptions('SrvResolver', given, kinds);
    if (!/^[^\s:/,]+$/.test(options.name ?? '')) {
      throw new RpcError('INVALID_ARGUMENT', `${JSON.stringify(options.name)} is no name of SRV records`);
    }
    this.name = `dns+srv${options.tls === true ? '+tls' : ''}://${options.name}`;
    this.options = options;
    this.dns = options.dns ?? new SystemNameServers();
    this.book = new AddressBook(this.dns);
  }

  start(context: ResolverContext): void {
    if (this.loop !== null) throw startedTwice(this);
    const list = new EndpointList(context, this.name);
    this.list = list;
    this.loop = new LookUpLoop(list.contextOfLoop(), this.options, this.name, () => this.look(list));
    this.loop.start();
  }

  refresh(): void {
    this.loop?.refresh();
  }

  stop(): void {
    this.list?.close();
    this.loop?.stop();
    // Name servers that were given may have others' questions under way.
    if (this.options.dns === undefined) this.dns.cancel?.();
  }

  private async look(list: EndpointList): Promise<boolean> {
    const answer = await unlessNone(this.dns.resolveSrv(this.options.name));
    // A record that leads to the root says that the service is not offered (RFC 2782).
    const named = answer.slice(0, ENDPOINTS_MAX).filter(({ name, port }) => name !== '' && name !== '.' && port > 0);
    const records = named.filter((record) => this.allowed(record, list));
    const weightMin = records.some(({ weight }) => weight > 0) ? LEAST_WEIGHT : 1;
    // One target that cannot be looked up does not take away the others; it keeps its own last addresses.
    const failures: Error[] = [];
    const addresses = new Map<string, readonly string[]>();
    const look = async (name: string): Promise<void> => {
      const found = await this.book.look(name).catch((error: unknown) => {
        failures.push(isError(error) ? error : toRpcError(error));
        return this.book.last(name);
      });
      addresses.set(name, found);
    };
    const names = new Set(records.map(({ name }) => name));
    await Promise.all(Array.from(names, look));
    this.book.keep(names);
    const some = [...addresses.values()].some(({ length }) => length > 0);
    const isNew = (some || failures.length === 0) && list.push(this.endpoints(records, addresses, weightMin));
    if (failures.length > 0) throw failures[0];
    return isNew;
  }

  /** One after the other as they are asked for: records times addresses may be millions. */
  private *endpoints(
    records: readonly SrvRecord[],
    addresses: ReadonlyMap<string, readonly string[]>,
    weightMin: number,
  ): Generator<Endpoint> {
    const { tls = false, serverName } = this.options;
    for (const { name, port, priority, weight } of records) {
      const hosts = addresses.get(name) ?? [];
      for (const host of hosts) {
        yield {
          address: formatAddress({ kind: tls ? 'tls' : 'tcp', host, port }),
          weight: Math.max(weight, weightMin) / hosts.length,
          priority,
          ...(tls ? { serverName: serverName ?? withoutDot(name) } : {}),
        };
      }
    }
  }

  private allowed({ name }: SrvRecord, list: EndpointList): boolean {
    if (this.options.tls !== true || this.options.serverName !== undefined) return true;
    // `_rpc._tcp.cities.example` speaks for `cities.example` and what is below it.
    const domain = withoutDot(this.options.name.replace(/^(?:_[^.]*\.)+/, '')).toLowerCase();
    const host = withoutDot(name).toLowerCase();
    if (host === domain || host.endsWith(`.${domain}`)) return true;
    const text = `${this.name} leads to ${name}, outside of ${domain}: left out (setting: serverName)`;
    list.error(new RpcError('FAILED_PRECONDITION', text));
    return false;
  }
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
