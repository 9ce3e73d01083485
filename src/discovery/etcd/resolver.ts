/**
 * `etcd://host:2379/prefix`: servers that registered themselves in etcd. Their keys are read once and then watched from that revision
 * on: a server is listed as soon as etcd reports its key, and removed as soon as etcd reports that its lease expired. While etcd is
 * unreachable the last list stays. When etcd was in trouble, leases may have expired although the servers live: for `graceMs` after it
 * answers again, servers whose keys are missing stay listed.
 */
import { readOptions } from '../../base/options.js';
import { positive } from '../resolver/look-up-loop.js';
import { type Resolver, type ResolverContext, startedTwice } from '../resolver/resolver.js';
import { nameOf } from './client.js';
import { type EtcdResolverOptions, etcdResolverKinds } from './options.js';
import { EtcdSession } from './session.js';

export class EtcdResolver implements Resolver {
  readonly name: string;
  readonly #options: EtcdResolverOptions;
  #session: EtcdSession | null = null;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(given: EtcdResolverOptions) {
    const options = readOptions('EtcdResolver', given, etcdResolverKinds);
    this.name = nameOf(options);
    positive('checkMs', options.checkMs ?? 1);
    positive('graceMs', options.graceMs ?? 1);
    positive('endpointsMax', options.endpointsMax ?? 1);
    this.#options = options;
  }

  start(context: ResolverContext): void {
    if (this.#session !== null) throw startedTwice(this);
    this.#session = new EtcdSession(this.name, this.#options, context);
    this.#session.start();
  }

  refresh(): void {
    this.#session?.refresh();
  }

  stop(): void {
    this.#session?.stop();
  }
}
