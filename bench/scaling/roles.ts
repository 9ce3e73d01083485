/** A load of the engine that grows in one respect: the processes of `bench -- scaling`. */
import { type Role, roleOf } from '../process/role.js';
import type { ScalingMethod } from './service.js';

export interface ScalingServer {
  readonly side: 'server';
  /** Limits for 10,000 calls. */
  readonly wide: boolean;
  /** Workers of a `node:cluster`; 0: one process without. */
  readonly processes: number;
  readonly workUs: number;
}

export interface ScalingClient {
  readonly side: 'client';
  readonly port: number;
  readonly method: ScalingMethod;
  readonly connections: number;
  readonly inFlight: number;
  readonly messageBytes: number;
  readonly wide: boolean;
}

export interface ScalingServerExtra {
  /** CPU time so far of its workers, in microseconds. */
  readonly otherCpuUs: number;
}

const module = new URL('sides.js', import.meta.url);

export function scalingServer(argument: Omit<ScalingServer, 'side'>): Role<ScalingServerExtra> {
  return roleOf(module, 'server of scaling', { side: 'server', ...argument } satisfies ScalingServer);
}

export function scalingClient(argument: Omit<ScalingClient, 'side'>): Role {
  return roleOf(module, 'client of scaling', { side: 'client', ...argument } satisfies ScalingClient);
}
