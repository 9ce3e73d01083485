/**
 * The addresses of host names, from the A and AAAA records of name servers. While look-ups fail the last addresses stay valid, separately
 * for each name and address family: a late IPv6 answer removes no IPv4 address.
 *
 * "No such record" (ENODATA) is an answer: there is no address of that family. A name that does not exist (ENOTFOUND) counts as a failure:
 * it may be a search domain, a zone that is being moved, or a typing error.
 */
import { isIP } from 'node:net';
import { systemCode } from '../../base/errors.js';

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** What `new Resolver()` of node:dns/promises can do. */
export interface NameServers {
  resolve4(host: string): Promise<readonly string[]>;
  resolve6(host: string): Promise<readonly string[]>;
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
  /** Ends what is under way. */
  cancel?(): void;
}

interface Known {
  v4: readonly string[] | null;
  v6: readonly string[] | null;
}

export class AddressBook {
  private known = new Map<string, Known>();

  constructor(private readonly dns: NameServers) {}

  /** All addresses of a host; empty: it has none. Rejects when nothing is known. */
  async look(host: string): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    const last = this.known.get(host) ?? { v4: null, v6: null };
    const [v4, v6] = await Promise.allSettled([
      unlessNone(this.dns.resolve4(host)),
      unlessNone(this.dns.resolve6(host)),
    ]);
    const now: Known = {
      v4: v4.status === 'fulfilled' ? v4.value : last.v4,
      v6: v6.status === 'fulfilled' ? v6.value : last.v6,
    };
    const addresses = [...(now.v4 ?? []), ...(now.v6 ?? [])];
    const failure = v4.status === 'rejected' ? v4 : v6.status === 'rejected' ? v6 : null;
    // One family is enough. If both failed, or one failed and the other has no address, the look-up has failed.
    if (failure !== null && (v4.status === v6.status || addresses.length === 0)) throw failure.reason;
    this.known.set(host, now);
    return addresses;
  }

  /** What was last known of a host. */
  last(host: string): string[] {
    const known = this.known.get(host);
    return [...(known?.v4 ?? []), ...(known?.v6 ?? [])];
  }

  /** Forgets all other hosts. */
  keep(hosts: ReadonlySet<string>): void {
    this.known = new Map([...this.known].filter(([host]) => hosts.has(host)));
  }
}

/** An authoritative "there is none" is an answer. */
export async function unlessNone<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (systemCode(error) === 'ENODATA') return [];
    throw error;
  }
}
