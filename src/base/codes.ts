/** How calls end: gRPC's status codes, whether the handler may have run, which part was late, and where a call was tried. */
import { keysOf } from './tables.js';

/** gRPC's status codes, by name. `OK` is 0 and never an error. */
export const RpcCodes = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** Name of a status code, as carried by `RpcError.code`. */
export type RpcCode = keyof typeof RpcCodes;

const nameByNumber: readonly (RpcCode | undefined)[] = (() => {
  const names: (RpcCode | undefined)[] = [];
  for (const name of keysOf(RpcCodes)) names[RpcCodes[name]] = name;
  return names;
})();

/** The name of a code that travelled as a number; an unassigned number reads as `UNKNOWN`. */
export function rpcCodeName(number: number): RpcCode {
  return nameByNumber[number] ?? 'UNKNOWN';
}

/**
 * Whether the other side's handler may have run: `no` is a guarantee (the call may be sent again), `yes` is a fact,
 * `maybe` is all that can be said, for example when the connection broke after the request was sent.
 */
export type Started = 'no' | 'maybe' | 'yes';

/**
 * Which part of a call was late when its deadline passed: `here`, this process (its queue, or a busy event loop); `network`, or the
 * peer's whole process, which looks the same from here; `queue`, the peer had the call and had not started its handler;
 * `handler`, it had.
 */
export type LatePart = 'here' | 'network' | 'queue' | 'handler';

/** One try of a call at one endpoint. Errors and results list all attempts, in the order in which they were made. */
export interface Attempt {
  /** Where: the endpoint's address as the channel knows it, such as `tcp://10.0.0.1:7000`. */
  readonly endpoint: string;
  /** How it ended there. */
  readonly code: RpcCode | 'OK';
  /** Whether the handler may have run there. */
  readonly started: Started;
  /** Milliseconds from when the request was given to the endpoint's connection until its end there; waiting before that is no part. */
  readonly durationMs: number;
}

/** What was tried by a call that was sent nowhere. */
export const noAttempts: readonly Attempt[] = Object.freeze([]);
