/** What the registry and the resolver of etcd take beside what every client of it does. */
import type { EtcdOptions } from './client.js';

export interface EtcdRegistryOptions extends EtcdOptions {
  /**
   * Time after which etcd forgets a server that has died, in whole seconds; it is renewed three times as often. Under 6, a pause of
   * etcd that is longer may empty the list. Default 10 s.
   */
  readonly ttlSeconds?: number;
}

export interface EtcdResolverOptions extends EtcdOptions {
  /** Time between two checks whether the watch still works, 10 % more or less by chance. Default 3,000 ms. */
  readonly checkMs?: number;
  /**
   * How long servers stay listed whose keys vanished while etcd was in trouble, from when it answers again. Give it as much as the
   * servers' `ttlSeconds`. Default 10,000 ms.
   */
  readonly graceMs?: number;
  /** Servers that are listed; more are left out and told as an error. Default 1,000. */
  readonly endpointsMax?: number;
}
