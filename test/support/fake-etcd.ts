/**
 * What the engine sees of etcd's JSON gateway, in memory and on virtual time: keys, leases, watches. A test stops its members, freezes
 * it, takes its data, or keeps a watch from telling.
 */
import type { EtcdFetch } from '../../src/index.js';
import type { VirtualClock } from './clock.js';

interface Kv {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
  readonly lease: string | null;
}

interface Watch {
  readonly member: string;
  readonly from: number;
  readonly to: string;
  readonly lines: Lines;
  deaf: boolean;
}

export interface FakeRequest {
  readonly member: string;
  readonly path: string;
  readonly at: number;
  readonly body: Record<string, unknown>;
}

type Answer = { readonly status: number; readonly body: AsyncIterable<Uint8Array> };

const LEASE_NOT_FOUND = { code: 5, message: 'etcdserver: requested lease not found' };

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (base64: unknown): string => Buffer.from(String(base64), 'base64').toString('utf8');

export class FakeEtcd {
  readonly requests: FakeRequest[] = [];
  /** Members that refuse connections, and those that never answer. */
  readonly down = new Set<string>();
  readonly silent = new Set<string>();
  /** What is left of the history begins here. */
  compactedAt = 0;
  revision = 1;
  private keys = new Map<string, Kv>();
  private readonly leases = new Map<string, { readonly ttlMs: number; expiresAt: number }>();
  private readonly watches = new Set<Watch>();
  private leaseCount = 0;
  private thaw: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  constructor(private readonly clock: VirtualClock) {}

  get openWatches(): number {
    return this.watches.size;
  }

  get texts(): Record<string, string> {
    return Object.fromEntries([...this.keys.values()].map(({ key, value }) => [key, value]));
  }

  /** Requests to a path, in order. */
  to(path: string): FakeRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  readonly fetch: EtcdFetch = async (url, { body, signal }) => {
    const { host, pathname } = new URL(url);
    const request = {
      member: host,
      path: pathname,
      at: this.clock.now(),
      body: JSON.parse(body) as Record<string, unknown>,
    };
    this.requests.push(request);
    if (this.down.has(host))
      throw Object.assign(new TypeError('fetch failed'), { cause: new Error('connect ECONNREFUSED') });
    await Promise.race([this.silent.has(host) ? new Promise(() => {}) : this.thaw?.promise, aborted(signal)]);
    return pathname === '/v3/watch' ? this.watch(request, signal) : this.answer(pathname, request.body);
  };

  put(key: string, value: string, lease: string | null = null): void {
    this.revision++;
    this.keys.set(key, { key, value, modRevision: this.revision, lease });
    this.tell(key, { kv: this.kv(key) });
  }

  delete(key: string): void {
    if (!this.keys.delete(key)) return;
    this.revision++;
    this.tell(key, { type: 'DELETE', kv: { key: encode(key), mod_revision: String(this.revision) } });
  }

  /** The watches that are open tell nothing more, as over a half-open connection. */
  deafenWatches(): void {
    for (const watch of this.watches) watch.deaf = true;
  }

  /** Ends every watch, as a member does that goes down in good order, or with a broken connection. */
  endWatches(how: 'closed' | 'broken' = 'closed'): void {
    for (const { lines } of this.watches) lines.end(how === 'closed' ? null : new TypeError('terminated'));
  }

  /** It stands still: nothing is answered and no lease expires, but their time goes on. */
  freeze(): void {
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.thaw = { promise, resolve };
  }

  resume(): void {
    const { thaw } = this;
    this.thaw = null;
    this.expire();
    thaw?.resolve();
  }

  /** As after a start with an empty data folder. */
  loseData(): void {
    this.keys = new Map();
    this.leases.clear();
    this.revision = 1;
    this.endWatches();
  }

  private expire(): void {
    if (this.thaw !== null) return;
    for (const [id, { expiresAt }] of this.leases) if (expiresAt <= this.clock.now()) this.revoke(id);
  }

  private revoke(id: string): void {
    this.leases.delete(id);
    for (const { key, lease } of this.keys.values()) if (lease === id) this.delete(key);
  }

  private answer(path: string, body: Record<string, unknown>): Answer {
    switch (path) {
      case '/v3/kv/range': {
        const [from, to] = [decode(body['key']), decode(body['range_end'])];
        const all = [...this.keys.values()].filter(({ key }) => key >= from && key < to);
        const since = Number(body['min_mod_revision'] ?? 0);
        const given = all.filter(({ modRevision }) => modRevision >= since).slice(0, Number(body['limit']));
        return json(200, {
          header: this.header(),
          kvs: given.map(({ key }) => this.kv(key)),
          count: String(all.length),
        });
      }
      case '/v3/kv/put':
        return this.putFor(body);
      case '/v3/kv/txn': {
        const [{ request_put: put }] = body['success'] as [{ readonly request_put: Record<string, unknown> }];
        return this.keys.has(decode(put['key'])) ? json(200, {}) : this.putFor(put);
      }
      case '/v3/lease/grant': {
        const id = String(7_000_000_000_000_000_000n + BigInt(++this.leaseCount));
        const ttlMs = Number(body['TTL']) * 1_000;
        this.leases.set(id, { ttlMs, expiresAt: this.clock.now() + ttlMs });
        this.clock.setTimer(() => this.expire(), ttlMs);
        return json(200, { ID: id, TTL: body['TTL'] });
      }
      case '/v3/lease/keepalive': {
        const lease = this.leases.get(String(body['ID']));
        if (lease === undefined) return json(200, { result: { ID: body['ID'] } });
        lease.expiresAt = this.clock.now() + lease.ttlMs;
        this.clock.setTimer(() => this.expire(), lease.ttlMs);
        return json(200, { result: { ID: body['ID'], TTL: String(lease.ttlMs / 1_000) } });
      }
      case '/v3/lease/revoke':
        if (!this.leases.has(String(body['ID']))) return json(404, LEASE_NOT_FOUND);
        this.revoke(String(body['ID']));
        return json(200, {});
      default:
        return json(404, { code: 5, message: 'Not Found' });
    }
  }

  private putFor(body: Record<string, unknown>): Answer {
    const lease = String(body['lease']);
    if (!this.leases.has(lease)) return json(404, LEASE_NOT_FOUND);
    this.put(decode(body['key']), decode(body['value']), lease);
    return json(200, {});
  }

  private watch({ member, body }: FakeRequest, signal: AbortSignal): Answer {
    const request = body['create_request'] as Record<string, unknown>;
    const start = Number(request['start_revision']);
    const lines = new Lines();
    lines.push({ result: { header: this.header(), created: true } });
    if (start < this.compactedAt)
      lines.push({ result: { canceled: true, compact_revision: String(this.compactedAt) } });
    const watch = { member, from: start, to: decode(request['range_end']), lines, deaf: false };
    this.watches.add(watch);
    const abort = (): void => lines.end(signal.reason as Error);
    signal.addEventListener('abort', abort);
    lines.onEnd = () => {
      this.watches.delete(watch);
      signal.removeEventListener('abort', abort);
    };
    return { status: 200, body: lines };
  }

  private tell(key: string, event: object): void {
    for (const { to, lines, deaf } of this.watches) {
      if (key < to && !deaf) lines.push({ result: { header: this.header(), events: [event] } });
    }
  }

  private header(): object {
    return { revision: String(this.revision) };
  }

  private kv(key: string): object {
    const { value, modRevision } = this.keys.get(key) as Kv;
    return { key: encode(key), value: encode(value), mod_revision: String(modRevision) };
  }
}

/** A body that grows. */
class Lines implements AsyncIterable<Uint8Array> {
  onEnd = (): void => {};
  private readonly chunks: Uint8Array[] = [];
  private ended = false;
  private failure: Error | null = null;
  private wake = (): void => {};

  push(message: object): void {
    this.chunks.push(Buffer.from(`${JSON.stringify(message)}\n`));
    this.wake();
  }

  end(failure: Error | null): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.onEnd();
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        for (let chunk = this.chunks.shift(); chunk !== undefined; chunk = this.chunks.shift()) yield chunk;
        if (this.failure !== null) throw this.failure;
        if (this.ended) return;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    } finally {
      this.end(null);
    }
  }
}

function json(status: number, message: object): Answer {
  const lines = new Lines();
  lines.push(message);
  lines.end(null);
  return { status, body: lines };
}

function aborted(signal: AbortSignal): Promise<never> | undefined {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
