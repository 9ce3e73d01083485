/**
 * `etcd://host:2379/prefix`: servers that registered themselves in etcd. Their keys are read once, and then watched from that
 * revision on: a server is listed, and one whose lease expired is not, as soon as etcd says so.
 * While etcd is away the last list stays. When etcd was in trouble its leases may have expired although the servers live: for
 * `graceMs` after it answers again, whoever's key is missing stays listed, as long as nobody has put it there again.
 */
import { type EtcdOptions, nameOf } from './etcd-client.js';
import { EtcdSession } from './etcd-session.js';
import { positive } from './look-up-loop.js';
import { type Resolver, type ResolverContext, startedTwice } from './resolver.js';

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

export class EtcdResolver implements Resolver {
  readonly name: string;
  private readonly options: EtcdResolverOptions;
  private session: EtcdSession | null = null;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option that is wrong. */
  constructor(options: EtcdResolverOptions) {
    this.name = nameOf(options);
    positive('checkMs', options.checkMs ?? 1);
    positive('graceMs', options.graceMs ?? 1);
    positive('endpointsMax', options.endpointsMax ?? 1);
    this.options = options;
  }

  start(context: ResolverContext): void {
    if (this.session !== null) throw startedTwice(this);
    this.session = new EtcdSession(this.name, this.options, context);
    this.session.start();
  }

  refresh(): void {
    this.session?.refresh();
  }

  stop(): void {
    this.session?.stop();
  }
}
