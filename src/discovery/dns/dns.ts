/**
 * `dns://host:port`, `dns+tls://host:port`: one endpoint for each address of a host, such as a headless service in Kubernetes.
 *
 * By default the system is asked (getaddrinfo), as everything else on the machine does it: hosts file, search domains. It cannot
 * tell a name without addresses from a failure, so its list is never empty. With `dns` name servers are asked directly.
 */
import { lookup } from 'node:dns/promises';
import { RpcError } from '../../base/errors.js';
import { type OptionKinds, readOptions } from '../../base/options.js';
import { formatAddress, parseAddress } from '../resolver/address.js';
import { EndpointList } from '../resolver/endpoint-list.js';
import { LookUpLoop, type LookUpOptions, lookUpOptionKinds } from '../resolver/look-up-loop.js';
import { type Resolver, type ResolverContext, startedTwice } from '../resolver/resolver.js';
import { AddressBook, type NameServers } from './address-book.js';

export interface DnsResolverOptions extends LookUpOptions {
  readonly host: string;
  readonly port: number;
  /** Endpoints are `tls://`, and their certificates must show `host`. Default false. */
  readonly tls?: boolean;
  /** Who is asked for A and AAAA records, such as a `Resolver` of node:dns/promises. Default: the system, by getaddrinfo. */
  readonly dns?: NameServers;
}

const kinds: OptionKinds<DnsResolverOptions> = {
  ...lookUpOptionKinds,
  host: 'string',
  port: 'number',
  tls: 'boolean',
  dns: 'object',
};

export class DnsResolver implements Resolver {
  readonly name: string;
  private readonly options: DnsResolverOptions;
  private readonly addresses: (host: string) => Promise<readonly string[]>;
  private list: EndpointList | null = null;
  private loop: LookUpLoop | null = null;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(given: DnsResolverOptions) {
    const options = readOptions('DnsResolver', given, kinds);
    const { host, port, tls = false, dns } = options;
    this.name = `dns${tls ? '+tls' : ''}://${authorityOf(host, port)}`;
    this.options = options;
    if (dns === undefined) this.addresses = systemAddresses;
    else {
      const book = new AddressBook(dns);
      this.addresses = (name) => book.look(name);
    }
  }

  start(context: ResolverContext): void {
    if (this.loop !== null) throw startedTwice(this);
    const list = new EndpointList(context, this.name);
    this.list = list;
    const { host, port, tls = false } = this.options;
    this.loop = new LookUpLoop(list.contextOfLoop(), this.options, this.name, async () => {
      const addresses = await this.addresses(host);
      return list.push(
        addresses.map((address) => ({
          address: formatAddress({ kind: tls ? 'tls' : 'tcp', host: address, port }),
          ...(tls ? { serverName: host } : {}),
        })),
      );
    });
    this.loop.start();
  }

  refresh(): void {
    this.loop?.refresh();
  }

  stop(): void {
    this.list?.close();
    this.loop?.stop();
  }
}

async function systemAddresses(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** `host:port`, checked. */
function authorityOf(host: string, port: number): string {
  const address = formatAddress({ kind: 'tcp', host, port });
  try {
    parseAddress(address);
  } catch {
    throw new RpcError('INVALID_ARGUMENT', `${host}:${port} is no host and port`);
  }
  return address.slice('tcp://'.length);
}
