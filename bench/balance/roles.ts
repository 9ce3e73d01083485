/** Servers whose handlers wait, and callers over one channel: the processes of `bench -- balance`. */
import { type Role, roleOf } from '../process/role.js';

export type BalancerName = 'leastLoaded' | 'roundRobin' | 'consistentHash';

export interface BalanceServer {
  readonly side: 'server';
  readonly index: number;
  readonly meanMs: number;
}

export interface BalanceClient {
  readonly side: 'client';
  readonly ports: readonly number[];
  readonly callers: number;
  readonly balancer: BalancerName;
  readonly ejection: boolean;
  readonly idempotent: boolean;
}

/** What the callers saw since the last mark, by server where it is a list. */
export interface Balanced {
  readonly calls: number;
  readonly ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answered: readonly number[];
  /** Attempts that failed there. */
  readonly failed: readonly number[];
  /** When an endpoint was ejected, counted from the last mark, and the attempts by server until then; null: none was. */
  readonly ejection: { readonly afterMs: number; readonly attempts: readonly number[] } | null;
  /** Retries that the channel made. */
  readonly retries: number;
  readonly callsFailed: number;
}

export interface BalanceExtra {
  readonly balanced: Balanced;
}

const module = new URL('sides.js', import.meta.url);

export function balanceServer(argument: Omit<BalanceServer, 'side'>): Role {
  return roleOf(module, 'server of balance', { side: 'server', ...argument } satisfies BalanceServer);
}

export function balanceClient(argument: Omit<BalanceClient, 'side'>): Role<BalanceExtra> {
  return roleOf(module, 'client of balance', { side: 'client', ...argument } satisfies BalanceClient);
}
