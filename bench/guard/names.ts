/** The workloads of the guard by the names that options and results use. */

export const guardWorkloads = ['unary-64', 'unary-512', 'stream', 'blob'] as const;
export type GuardWorkload = (typeof guardWorkloads)[number];

const BLOBS_IN_FLIGHT = 16;

/** Callers of a closed loop; 1 for the stream. */
export const callersOf: Readonly<Record<GuardWorkload, number>> = {
  'unary-64': 64,
  'unary-512': 512,
  stream: 1,
  blob: BLOBS_IN_FLIGHT,
};
