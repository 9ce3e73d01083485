/** The options of `EtcdRegistry` and `EtcdResolver`, beside those of every client of etcd. */
import type { OptionKinds } from '../../base/options.js';
import type { EtcdOptions } from './client.js';

export interface EtcdRegistryOptions extends EtcdOptions {
  /**
   * Lifetime of the registration, in whole seconds: etcd forgets a server that died after this time. It is renewed three times as often.
   * With less than 6, a pause of etcd may empty the list. Default 10.
   */
  readonly ttlSeconds?: number;
}

export interface EtcdResolverOptions extends EtcdOptions {
  /** Milliseconds between two checks that the watch still works, jittered by 10 %. Default 3,000. */
  readonly checkMs?: number;
  /**
   * How long servers stay listed whose keys vanished while etcd was in trouble, in milliseconds from its first answer. Use at least the
   * servers' `ttlSeconds`. Default 10,000.
   */
  readonly graceMs?: number;
  /** Most servers that are listed; more are left out and reported as an error. Default 1,000. */
  readonly endpointsMax?: number;
}

const etcdKinds: OptionKinds<EtcdOptions> = {
  endpoints: 'list',
  prefix: 'string',
  username: 'string',
  password: 'string',
  fetch: 'function',
  requestMsMax: 'number',
  responseBytesMax: 'number',
};

export const etcdRegistryKinds: OptionKinds<EtcdRegistryOptions> = { ...etcdKinds, ttlSeconds: 'number' };

export const etcdResolverKinds: OptionKinds<EtcdResolverOptions> = {
  ...etcdKinds,
  checkMs: 'number',
  graceMs: 'number',
  endpointsMax: 'number',
};
