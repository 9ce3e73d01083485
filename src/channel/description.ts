/** What `channel.describe()` says: plain values, for logs, health checks and people. */

/**
 * - `idle`: nobody asked for a connection, or the last one was lost.
 * - `connecting`: an attempt goes on, or follows at most 100 ms behind the loss of a connection.
 * - `ready`: it takes calls.
 * - `backoff`: the last attempt failed, and the next one waits.
 */
export type EndpointState = 'idle' | 'connecting' | 'ready' | 'backoff';

export interface ConnectionDescription {
  /** `tcp://127.0.0.1:50051`. */
  readonly peer: string;
  /** 16 bytes in hex that name the peer's process; empty before its HELLO. */
  readonly instance: string;
  /** Calls in flight, and those that wait for a slot on it. */
  readonly inFlight: number;
  readonly ageMs: number;
}

export interface EndpointDescription {
  readonly address: string;
  readonly weight: number;
  readonly priority: number;
  readonly state: EndpointState;
  /** It is left alone for a while, because too many of its calls failed. */
  readonly ejected: boolean;
  /** The resolver names it no more; it goes when another is ready. */
  readonly leaving: boolean;
  readonly connections: readonly ConnectionDescription[];
  readonly inFlight: number;
  /** Peak-EWMA of the time from a request to its answer, in milliseconds; 0 before the first answer. */
  readonly latencyMs: number;
  /** Calls that it answered, since it is known. */
  readonly answered: number;
  /** Calls that failed by its fault. */
  readonly failed: number;
  readonly failuresInRow: number;
  /** Why the last attempt to connect failed; null: it did not. */
  readonly failure: string | null;
  /** Milliseconds until the next attempt; 0: at once, when somebody calls. */
  readonly retryInMs: number;
}

export interface ChannelDescription {
  /** What `connect` was given: `tcp://127.0.0.1:50051`, `dns+srv://_rpc._tcp.cities`, or a resolver's name. */
  readonly target: string;
  readonly state: 'idle' | 'connecting' | 'ready' | 'backoff' | 'closed';
  readonly endpoints: readonly EndpointDescription[];
  /** Why the endpoints could not be looked up the last time; null: they could. */
  readonly resolverFailure: string | null;
  /** Calls given to a connection so far, retries and hedges included. */
  readonly callsMade: number;
  /** Calls that wait for a connection. */
  readonly callsWaiting: number;
  readonly retries: {
    /** Retries and hedges so far. */
    readonly made: number;
    /** Calls that wait before they are made again. */
    readonly waiting: number;
    /** Retries that the budget allows now; 0 when retries are off. */
    readonly budgetLeft: number;
  };
}
