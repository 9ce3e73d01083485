/** The axes of `bench -- scaling`: one grows at a time, the rest is fixed. */
import type { ScalingMethod } from './service.js';

export const axisNames = [
  'connections',
  'connectionsEach',
  'messageBytes',
  'inFlight',
  'streams',
  'streamBatches',
  'processes',
] as const;
export type AxisName = (typeof axisNames)[number];

export interface ScalingCase {
  readonly axis: AxisName;
  readonly value: number;
  readonly method: ScalingMethod;
  readonly connections: number;
  /** Of all connections together: calls, or streams. */
  readonly inFlight: number;
  /** Of one message: as Avro, as raw bytes. */
  readonly messageBytes: number;
  /** Limits beyond the defaults. */
  readonly wide: boolean;
  /** Server processes that share a port; 0: one, without a cluster. */
  readonly processes: number;
}

export interface Axis {
  readonly title: string;
  /** The default grid, ascending. */
  readonly values: readonly number[];
  readonly max: number;
  /** What is done in a second. */
  readonly unit: 'calls' | 'items';
  readonly caseAt: (value: number) => Partial<ScalingCase>;
}

/** The canonical record with an id of two bytes. */
const RECORD_BYTES = 46;
const TOTAL_IN_FLIGHT = 512;
const EACH_IN_FLIGHT = 4;
const BYTES_IN_FLIGHT_MAX = 8 * 1024 * 1024;
const CALLS_OF_BYTES_MAX = 64;
const CLUSTER_CONNECTIONS = 16;

export const axes: Readonly<Record<AxisName, Axis>> = {
  connections: {
    title: `connections, ${TOTAL_IN_FLIGHT} calls in flight over all of them`,
    values: [1, 4, 16, 64, 256],
    max: TOTAL_IN_FLIGHT,
    unit: 'calls',
    caseAt: (value) => ({ connections: value, inFlight: TOTAL_IN_FLIGHT }),
  },
  connectionsEach: {
    title: `connections, ${EACH_IN_FLIGHT} calls in flight on each`,
    values: [1, 4, 16, 64, 256],
    max: 2_500,
    unit: 'calls',
    caseAt: (value) => ({ connections: value, inFlight: EACH_IN_FLIGHT * value }),
  },
  messageBytes: {
    title: `bytes of a raw message, at most ${CALLS_OF_BYTES_MAX} in flight and 8 MiB`,
    values: [16, 256, 4_096, 65_536, 1_048_576, 4_194_304],
    max: 4 * 1024 * 1024,
    unit: 'calls',
    caseAt: (value) => ({ method: 'bytes', messageBytes: value, inFlight: callsOfBytes(value) }),
  },
  inFlight: {
    title: 'calls in flight on one connection, with limits for 10,000',
    values: [1, 4, 16, 64, 256, 1_024, 4_096],
    max: 10_000,
    unit: 'calls',
    caseAt: (value) => ({ inFlight: value, wide: true }),
  },
  streams: {
    title: 'server streams at once on one connection, read with `for await`, with limits for 10,000',
    values: [1, 10, 100, 1_000, 10_000],
    max: 10_000,
    unit: 'items',
    caseAt: (value) => ({ method: 'items', inFlight: value, wide: true }),
  },
  streamBatches: {
    title: 'server streams at once on one connection, read with `batches()`, with limits for 10,000',
    values: [1, 100, 1_000, 10_000],
    max: 10_000,
    unit: 'items',
    caseAt: (value) => ({ method: 'batches', inFlight: value, wide: true }),
  },
  processes: {
    title: `server processes of a cluster, ${CLUSTER_CONNECTIONS} connections, handlers that compute`,
    values: [1, 2, 4],
    max: 64,
    unit: 'calls',
    caseAt: (value) => ({
      method: 'work',
      connections: CLUSTER_CONNECTIONS,
      inFlight: 16 * CLUSTER_CONNECTIONS,
      processes: value,
    }),
  },
};

/** Enough to keep both sides busy, and no more bytes than the engine holds for one connection. */
export function callsOfBytes(messageBytes: number): number {
  return Math.max(2, Math.min(CALLS_OF_BYTES_MAX, Math.floor(BYTES_IN_FLIGHT_MAX / messageBytes)));
}

export function caseOf(axis: AxisName, value: number): ScalingCase {
  const usual = {
    method: 'echo',
    connections: 1,
    inFlight: 64,
    messageBytes: RECORD_BYTES,
    wide: false,
    processes: 0,
  } as const;
  return { axis, value, ...usual, ...axes[axis].caseAt(value) };
}
