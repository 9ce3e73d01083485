/**
 * The servers that etcd lists, by key, as of one revision. While it holds back, a server whose key vanished stays listed: then
 * etcd may have lost what it knew, and the servers are about to register again.
 */
import { RpcError, toRpcError } from '../../base/errors.js';
import type { Endpoint } from '../resolver/resolver.js';
import { record } from './client.js';
import { parseRecord } from './record.js';

interface Entry {
  readonly modRevision: number;
  /** Null: its value cannot be read. */
  readonly endpoint: Endpoint | null;
}

/** A key and its value, as the gateway writes them; `value` is absent when it is empty or the key was deleted. */
export interface EtcdKey {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

export class Roster {
  private entries = new Map<string, Entry>();
  private readonly vanished = new Map<string, Endpoint>();
  /** All that is known is as of this revision of etcd or a later one. */
  revision = 0;
  /** Servers whose keys vanish stay listed. */
  holdsBack = false;

  constructor(
    private readonly keysMax: number,
    private readonly onBadValue: (error: RpcError) => void,
  ) {}

  /** Keys that are there. */
  get size(): number {
    return this.entries.size;
  }

  /** Those that are there, then those that are held back. */
  *endpoints(): Generator<Endpoint> {
    for (const { endpoint } of this.entries.values()) if (endpoint !== null) yield endpoint;
    yield* this.vanished.values();
  }

  /** These are all keys that there are; says whether that is new. */
  replace(keys: readonly EtcdKey[], revision: number): boolean {
    this.revision = revision;
    const given = new Set(keys.map(({ key }) => key));
    let isNew = false;
    for (const key of this.entries.keys()) if (!given.has(key)) isNew = this.delete(key) || isNew;
    for (const key of keys) isNew = this.put(key) || isNew;
    return isNew;
  }

  put({ key, value, modRevision }: EtcdKey): boolean {
    const known = this.entries.get(key);
    if (known?.modRevision === modRevision) return false;
    if (known === undefined && this.entries.size >= this.keysMax) return false;
    this.vanished.delete(key);
    this.entries.set(key, { modRevision, endpoint: this.read(key, value, modRevision) });
    return true;
  }

  delete(key: string): boolean {
    const endpoint = this.entries.get(key)?.endpoint;
    // Trouble may last, and servers that come and go meanwhile are not to fill the memory.
    if (this.holdsBack && endpoint != null && this.vanished.size < this.keysMax) this.vanished.set(key, endpoint);
    return this.entries.delete(key);
  }

  /** Who has vanished is gone. */
  release(): void {
    this.holdsBack = false;
    this.vanished.clear();
  }

  /** A server that starts puts its key again, so the revision tells one process from the one before. */
  private read(key: string, value: string, modRevision: number): Endpoint | null {
    try {
      return { ...parseRecord(value), instance: String(modRevision) };
    } catch (error) {
      const name = Buffer.from(key, 'base64').toString('utf8').slice(0, 200);
      const why = toRpcError(error).message;
      this.onBadValue(
        new RpcError('INVALID_ARGUMENT', `the value of ${JSON.stringify(name)} in etcd is left out: ${why}`),
      );
      return null;
    }
  }
}

/** The keys in an answer of etcd. */
export function keysOf(kvs: unknown): EtcdKey[] {
  return Array.isArray(kvs) ? kvs.map(keyOf).filter(({ key }) => key !== '') : [];
}

/** Of a thing that is no key, `key` is empty. */
export function keyOf(kv: unknown): EtcdKey {
  const { key, value, mod_revision } = record(kv);
  const modRevision = Number(mod_revision);
  return {
    key: typeof key === 'string' && Number.isSafeInteger(modRevision) ? key : '',
    value: typeof value === 'string' ? value : '',
    modRevision,
  };
}
