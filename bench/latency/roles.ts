/** Unary calls at a fixed rate: the processes of `bench -- latency`. */
import { type Role, roleOf } from '../process/role.js';
import type { OpenCounts } from './open-loop.js';

export interface LatencyServer {
  readonly side: 'server';
  readonly contender: string;
}

export interface LatencyClient {
  readonly side: 'client';
  readonly contender: string;
  readonly port: number;
  /** So many calls are outstanding at most. */
  readonly outstandingMax: number;
}

export interface LatencyServerExtra {
  /** CPU time so far of other processes that serve, such as a broker, in microseconds. */
  readonly otherCpuUs: number;
}

export interface LatencyClientExtra {
  /** Of the last closed loop. */
  readonly closedPerSecond: number;
  /** Of the last open loop; null before the first. */
  readonly opened: OpenCounts | null;
}

const module = new URL('sides.js', import.meta.url);

export function latencyServer(contender: string): Role<LatencyServerExtra> {
  return roleOf(module, `server of ${contender}`, { side: 'server', contender } satisfies LatencyServer);
}

export function latencyClient(argument: Omit<LatencyClient, 'side'>): Role<LatencyClientExtra> {
  return roleOf(module, `client of ${argument.contender}`, { side: 'client', ...argument } satisfies LatencyClient);
}
