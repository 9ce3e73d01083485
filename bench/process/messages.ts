/** What the bench and its two child processes say to each other over IPC. */

import type { Allocated } from '../allocation/meter.js';
import type { Site } from '../allocation/sites.js';
import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import type { GuardWorkloadName } from '../guard/names.js';
import type { OpenCounts } from '../latency/open-loop.js';
import type { OverloadKind } from '../overload/service.js';
import type { ScalingMethod } from '../scaling/service.js';
import type { StreamProgramName } from '../stream/names.js';

/** What a child process is started for; its argument, as JSON. */
export type Role =
  /** Unary calls, so many in flight. */
  | {
      readonly workload: 'calls';
      readonly side: 'server';
      readonly contender: ContenderName;
      readonly handler: HandlerKind;
    }
  | {
      readonly workload: 'calls';
      readonly side: 'client';
      readonly contender: ContenderName;
      readonly port: number;
      readonly inFlight: number;
    }
  /** Unary calls at a fixed rate; so many outstanding at most. */
  | { readonly workload: 'latency'; readonly side: 'server'; readonly contender: string }
  | {
      readonly workload: 'latency';
      readonly side: 'client';
      readonly contender: string;
      readonly port: number;
      readonly outstandingMax: number;
    }
  /** A load of the engine that grows in one respect. */
  | {
      readonly workload: 'scaling';
      readonly side: 'server';
      readonly wide: boolean;
      readonly processes: number;
      readonly workUs: number;
    }
  | {
      readonly workload: 'scaling';
      readonly side: 'client';
      readonly port: number;
      readonly method: ScalingMethod;
      readonly connections: number;
      readonly inFlight: number;
      readonly messageBytes: number;
      readonly wide: boolean;
    }
  /** Unary calls through a channel and on a bare connection, in turns; the server is that of `calls`. */
  | {
      readonly workload: 'turns';
      readonly side: 'client';
      readonly port: number;
      readonly inFlight: number;
      readonly callsPerTurn: number;
    }
  /** One call after the other, in turns of so many; the server is that of `calls`. */
  | {
      readonly workload: 'roundTrip';
      readonly side: 'client';
      readonly contender: ContenderName;
      readonly port: number;
      readonly callsPerTurn: number;
    }
  /** One server stream without end. */
  | { readonly workload: 'stream'; readonly side: 'server'; readonly contender: StreamProgramName }
  | {
      readonly workload: 'stream';
      readonly side: 'client';
      readonly contender: StreamProgramName;
      readonly port: number;
    }
  /** Many streams of the engine on one connection. */
  | { readonly workload: 'streams'; readonly side: 'server'; readonly streams: number }
  | {
      readonly workload: 'streams';
      readonly side: 'client';
      readonly streams: number;
      readonly itemsEach: number;
      readonly port: number;
    }
  /** Small calls, and a large blob now and then. */
  | { readonly workload: 'mix'; readonly side: 'server' }
  | {
      readonly workload: 'mix';
      readonly side: 'client';
      readonly port: number;
      readonly inFlight: number;
      readonly blobBytes: number;
      readonly quietMs: number;
    }
  /** Many callers of several servers that are restarted meanwhile. */
  | {
      readonly workload: 'rolling';
      readonly side: 'server';
      readonly port: number;
      /** A file of its own, to which it writes the ids that its handlers began with. */
      readonly began: string;
    }
  | {
      readonly workload: 'rolling';
      readonly side: 'client';
      readonly ports: readonly number[];
      readonly callers: number;
      readonly method: 'once' | 'again';
      readonly deadlineMs: number;
      readonly waitForReady: boolean;
      /** A file to which it writes at the end how each call ended, by id. */
      readonly outcomes: string;
    }
  /** Servers whose handlers wait, and callers over one channel. */
  | { readonly workload: 'balance'; readonly side: 'server'; readonly index: number; readonly meanMs: number }
  | {
      readonly workload: 'balance';
      readonly side: 'client';
      readonly ports: readonly number[];
      readonly callers: number;
      readonly balancer: BalancerName;
      readonly ejection: boolean;
      readonly idempotent: boolean;
    }
  /** More calls than the server can answer. */
  | { readonly workload: 'overload'; readonly side: 'server'; readonly kind: OverloadKind; readonly computeUs: number }
  | {
      readonly workload: 'overload';
      readonly side: 'client';
      readonly kind: OverloadKind;
      readonly port: number;
      readonly connections: number;
      readonly deadlineMs: number;
    }
  /** A commit under the guard: the folder of its checkout. */
  | { readonly workload: 'guard'; readonly side: 'server'; readonly folder: string; readonly name: GuardWorkloadName }
  | {
      readonly workload: 'guard';
      readonly side: 'client';
      readonly folder: string;
      readonly name: GuardWorkloadName;
      readonly ports: readonly number[];
    };

export type BalancerName = 'leastLoaded' | 'roundRobin' | 'consistentHash';

export type Order =
  | { readonly kind: 'mark' }
  /** Answer with a mark once so many calls are done in all. */
  | { readonly kind: 'markAt'; readonly calls: number }
  /** Do what the workload knows by this name, and answer with a mark. */
  | { readonly kind: 'act'; readonly name: string }
  | { readonly kind: 'stop' };

/** What the sender of streams holds. */
export interface Held {
  /** Most bytes that the socket had not taken, since the last mark. */
  readonly unsentBytesMax: number;
  /** Bytes of items, as frames, that were taken from the source of the stream that nobody reads. */
  readonly stalledBytes: number;
  /** Heap and buffers in use, measured behind a collection of garbage; 0 when none was asked for. */
  readonly heapBytes: number;
}

/** Latency of the calls of a while. */
export interface Latency {
  readonly calls: number;
  readonly ms: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What the callers of `rolling` saw. */
export interface Rolled {
  readonly callers: number;
  /** Texts of the first failures. */
  readonly failures: readonly string[];
  /** Retries that the channel made: of calls that had failed and may be made again. */
  readonly retries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The longest call, failed ones included: no caller waited longer. */
  readonly mostMs: number;
  /** The longest time in which no call at all ended. */
  readonly silentMs: number;
}

/** What the callers of `balance` saw since the last mark, by server where it is a list. */
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

/** What became of the calls of one act of `overload`. */
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
  /** For so long calls were made. */
  readonly ms: number;
  /** Of the answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What the server of `overload` held, at most so far. */
export interface OverloadMemory {
  readonly heapBytesMax: number;
  readonly rssBytesMax: number;
  readonly waitingMax: number;
  readonly refused: number;
}

/** One side at one moment. */
export interface Mark {
  /** Calls or items: a client counts answers, a server requests, and of streams both count items. */
  readonly done: number;
  /** CPU time of the process so far, user and system, in microseconds. */
  readonly cpuUs: number;
  /** Milliseconds of this process's monotonic clock. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
  /** Only of the server of `streams`. */
  readonly held?: Held;
  /** Only of the clients of `mix` and `round-trip`: of their last act. */
  readonly latency?: Latency;
  /** Only of the client of `rolling`, once it has finished. */
  readonly rolled?: Rolled;
  /** Only of the client of `balance`. */
  readonly balanced?: Balanced;
  /** Only of the client of `overload`: of its last act. */
  readonly overload?: OverloadCounts;
  /** Only of the server of `overload`. */
  readonly memory?: OverloadMemory;
  /** Only of the client of `latency`: of its last acts. */
  readonly closedPerSecond?: number;
  readonly opened?: OpenCounts;
  /** Only of a server of `scaling` with workers, or of `latency` with a broker: CPU time so far of those processes, in microseconds. */
  readonly otherCpuUs?: number;
  /** Only behind an act of `allocation`: what the meter, or the profile, of this side found. */
  readonly allocated?: Allocated;
  readonly sites?: readonly Site[];
  /** Only of the server of `guard`. */
  readonly ports?: readonly number[];
}

export type Notice =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'mark'; readonly mark: Mark }
  | { readonly kind: 'error'; readonly text: string };
