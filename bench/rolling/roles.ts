/** Many callers of several servers that are restarted meanwhile: the processes of `bench -- rolling`. */
import { type Role, roleOf } from '../process/role.js';

export interface RollingServer {
  readonly side: 'server';
  readonly port: number;
  /** A file of its own, to which it writes the ids that its handlers began with. */
  readonly began: string;
}

export interface RollingClient {
  readonly side: 'client';
  readonly ports: readonly number[];
  readonly callers: number;
  readonly method: 'once' | 'again';
  readonly deadlineMs: number;
  readonly waitForReady: boolean;
  /** A file to which it writes at the end how each call ended, by id. */
  readonly outcomes: string;
}

/** What the callers saw. */
export interface Rolled {
  readonly callers: number;
  /** Texts of the first failures. */
  readonly failures: readonly string[];
  /** Retries that the channel made. */
  readonly retries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The longest call, failed ones included: no caller waited longer. */
  readonly mostMs: number;
  /** The longest time in which no call at all ended. */
  readonly silentMs: number;
}

/** Null until the client has finished. */
export interface RollingExtra {
  readonly rolled: Rolled | null;
}

const module = new URL('sides.js', import.meta.url);

export function rollingServer(argument: Omit<RollingServer, 'side'>): Role {
  return roleOf(module, 'server of rolling', { side: 'server', ...argument } satisfies RollingServer);
}

export function rollingClient(argument: Omit<RollingClient, 'side'>): Role<RollingExtra> {
  return roleOf(module, 'client of rolling', { side: 'client', ...argument } satisfies RollingClient);
}
