/** The workloads of the guard by the names that options and results use. */
import { BLOCK_BYTES } from '../bytes.js';

/** How a client makes calls, or how it reads what comes back. */
export type GuardKind = 'connection' | 'channel' | 'batches' | 'for-await' | 'blob';

export interface GuardWorkload {
  readonly kind: GuardKind;
  /** Calls in flight; 1 for a stream. */
  readonly inFlight: number;
  /** Addresses that the server listens on and the channel balances between. */
  readonly endpoints: number;
  /** What costs are given by: one call, one item, or a megabyte (1,000,000 bytes) of body. */
  readonly unit: 'call' | 'item' | 'MB';
  /** Units in one call, or in one item. */
  readonly units: number;
}

const calls = { kind: 'connection', inFlight: 64, endpoints: 1, unit: 'call', units: 1 } as const;
const items = { kind: 'batches', inFlight: 1, endpoints: 1, unit: 'item', units: 1 } as const;

export const guardWorkloads = {
  'unary-64': calls,
  'unary-512': { ...calls, inFlight: 512 },
  'channel-64': { ...calls, kind: 'channel' },
  'channel-512': { ...calls, kind: 'channel', inFlight: 512 },
  'endpoints-64': { ...calls, kind: 'channel', endpoints: 4 },
  'stream-batches': items,
  'stream-for-await': { ...items, kind: 'for-await' },
  blob: { kind: 'blob', inFlight: 16, endpoints: 1, unit: 'MB', units: BLOCK_BYTES / 1_000_000 },
} as const satisfies Readonly<Record<string, GuardWorkload>>;

export type GuardWorkloadName = keyof typeof guardWorkloads;

export const guardWorkloadNames = Object.keys(guardWorkloads) as readonly GuardWorkloadName[];
