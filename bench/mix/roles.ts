/** Small calls, and a large blob now and then: the processes of `bench -- mix`. */
import type { Latency } from '../latencies.js';
import { type Role, roleOf } from '../process/role.js';

export interface MixServer {
  readonly side: 'server';
}

export interface MixClient {
  readonly side: 'client';
  readonly port: number;
  readonly inFlight: number;
  readonly blobBytes: number;
  readonly quietMs: number;
}

/** Of the client's last act; null before the first. */
export interface MixExtra {
  readonly latency: Latency | null;
}

const module = new URL('sides.js', import.meta.url);

export function mixServer(): Role {
  return roleOf(module, 'server of mix', { side: 'server' } satisfies MixServer);
}

export function mixClient(argument: Omit<MixClient, 'side'>): Role<MixExtra> {
  return roleOf(module, 'client of mix', { side: 'client', ...argument } satisfies MixClient);
}
