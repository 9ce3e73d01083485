/** More calls than the server can answer: the processes of `bench -- overload`. */
import { type Role, roleOf } from '../process/role.js';
import type { OverloadKind } from './service.js';

export interface OverloadServer {
  readonly side: 'server';
  readonly kind: OverloadKind;
  readonly computeUs: number;
}

export interface OverloadClient {
  readonly side: 'client';
  readonly kind: OverloadKind;
  readonly port: number;
  readonly connections: number;
  readonly deadlineMs: number;
}

/** Outcomes of the calls of one act. */
export interface OverloadCounts {
  readonly made: number;
  readonly answered: number;
  /** Refused by the server: RESOURCE_EXHAUSTED, started=no, elsewhere. */
  readonly refused: number;
  /** DEADLINE_EXCEEDED, started=no. */
  readonly late: number;
  /** Refused by the caller's own side: too many wait for a slot. */
  readonly here: number;
  /** Failed, but may have run. */
  readonly mayHaveRun: number;
  /** How long calls were made. */
  readonly ms: number;
  /** Of the answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The most that the server held so far. */
export interface OverloadMemory {
  readonly heapBytesMax: number;
  readonly rssBytesMax: number;
  readonly waitingMax: number;
  readonly refused: number;
}

export interface OverloadServerExtra {
  readonly memory: OverloadMemory;
}

/** Of the last act. */
export interface OverloadClientExtra {
  readonly overload: OverloadCounts;
}

const module = new URL('sides.js', import.meta.url);

export function overloadServer(argument: Omit<OverloadServer, 'side'>): Role<OverloadServerExtra> {
  return roleOf(module, 'server of overload', { side: 'server', ...argument } satisfies OverloadServer);
}

export function overloadClient(argument: Omit<OverloadClient, 'side'>): Role<OverloadClientExtra> {
  return roleOf(module, 'client of overload', { side: 'client', ...argument } satisfies OverloadClient);
}
