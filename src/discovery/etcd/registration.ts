/**
 * One server in etcd: a lease, a key under it, and their renewal.
 *
 *   absent --lease, key under it--> registered --ttl/3--> registered
 *      ^                                 |
 *      +------- the lease is gone -------+          any state --unregister()--> ended
 *
 * A state is left only when all of its step was answered; after a failure the next member is asked, behind a backoff.
 *
 * Lease and key survive a restart of etcd, which gives every lease its whole time again. If the lease expired all the same (etcd stood
 * still, or its data were lost) a new one is requested; a key that was deleted is put again.
 */
import type { Timer } from '../../base/clock.js';
import { RpcError, toRpcError } from '../../base/errors.js';
import { type Steps, step } from '../../base/state-machine.js';
import type { Registration, RegistryContext } from '../resolver/registry.js';
import type { Endpoint } from '../resolver/resolver.js';
import { jittered, RetryDelay } from '../resolver/retry-delay.js';
import { EtcdClient, record } from './client.js';
import type { EtcdRegistryOptions } from './options.js';
import { base64, formatRecord } from './record.js';

const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;

type Phase = 'absent' | 'registered' | 'ended';

const steps: Steps<Phase> = {
  absent: ['registered', 'ended'],
  registered: ['absent', 'ended'],
  ended: [],
};

export class EtcdRegistration implements Registration {
  readonly registered: Promise<void>;
  private readonly client: EtcdClient;
  private readonly delay: RetryDelay;
  private readonly ttlSeconds: number;
  private readonly put: { readonly key: string; readonly value: string };
  private settle: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void } | null = null;
  private phase: Phase = 'absent';
  /** The last lease that was granted. */
  private lease: string | null = null;
  private timer: Timer | null = null;
  private ending: Promise<void> | null = null;

  constructor(
    private readonly endpoint: Endpoint,
    options: EtcdRegistryOptions,
    private readonly context: RegistryContext,
  ) {
    this.client = new EtcdClient(options, context.clock, context.random);
    this.ttlSeconds = options.ttlSeconds ?? 10;
    const mostMs = Math.min((this.ttlSeconds * 1_000) / 3, RETRY_MOST_MS);
    this.delay = new RetryDelay(context.random, Math.min(RETRY_FIRST_MS, mostMs), mostMs);
    const key = `${options.prefix.replace(/\/$/, '')}/${endpoint.address}`;
    this.put = { key: base64(key), value: base64(formatRecord(endpoint)) };
    this.registered = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // Without a listener the rejection would be unhandled.
    this.registered.catch(() => {});
  }

  start(): void {
    void this.run();
  }

  unregister(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private get ended(): boolean {
    return this.phase === 'ended';
  }

  private transition(to: Phase): void {
    this.phase = step('a registration in etcd', steps, this.phase, to);
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    while (!this.ended) {
      try {
        const next = this.phase === 'registered' ? await this.renew() : await this.begin();
        if (this.ended) return;
        if (next !== this.phase) this.transition(next);
        this.delay.reset();
        if (next === 'registered') await this.wait(jittered((this.ttlSeconds * 1_000) / 3, this.context.random));
      } catch (error) {
        if (this.ended) return;
        this.context.onError(toRpcError(error));
        this.client.next();
        await this.wait(this.delay.nextMs());
      }
    }
  }

  /** A lease whose key could not be put is left to expire: it may be what was wrong. */
  private async begin(): Promise<Phase> {
    const { ID } = record(await this.client.ask('/v3/lease/grant', { TTL: String(this.ttlSeconds) }));
    if (typeof ID !== 'string') throw new RpcError('INTERNAL', `etcd ${this.client.base} granted no lease`);
    this.lease = ID;
    if (this.ended) return this.phase;
    // A key that a process before this one has left here is overwritten, and its lease has no more to do with it.
    await this.client.ask('/v3/kv/put', { ...this.put, lease: ID });
    this.settle?.resolve();
    return 'registered';
  }

  /** Returns `absent` when the lease is gone. */
  private async renew(): Promise<Phase> {
    const { lease } = this;
    const { result } = record(await this.client.ask('/v3/lease/keepalive', { ID: lease }));
    // Of a lease that is gone the gateway tells no TTL.
    if (!(Number(record(result)['TTL']) > 0)) {
      this.lease = null;
      return 'absent';
    }
    const absent = { key: this.put.key, target: 'VERSION', result: 'EQUAL', version: '0' };
    await this.client.ask('/v3/kv/txn', { compare: [absent], success: [{ request_put: { ...this.put, lease } }] });
    return 'registered';
  }

  /** Deletes the key by its lease; if no member can be reached, etcd does so when the lease expires. */
  private async end(): Promise<void> {
    this.transition('ended');
    this.timer?.cancel();
    this.client.abort();
    this.settle?.reject(new RpcError('CANCELLED', `${this.endpoint.address} was taken back before it was registered`));
    const { lease } = this;
    if (lease === null) return;
    for (let left = this.client.members; left > 0; left--) {
      try {
        await this.client.ask('/v3/lease/revoke', { ID: lease });
        return;
      } catch (error) {
        if (toRpcError(error).code === 'NOT_FOUND') return;
        this.context.onError(toRpcError(error));
        this.client.next();
      }
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timer = this.context.clock.setTimer(resolve, ms);
    });
  }
}
