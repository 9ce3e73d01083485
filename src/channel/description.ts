/** What `channel.describe()` returns: plain values, for logs and health checks. */

/**
 * - `idle`: no connection is needed yet, or the last one was lost.
 * - `connecting`: an attempt is under way, or follows within 100 ms of the loss of a connection.
 * - `ready`: the endpoint takes calls.
 * - `backoff`: the last attempt failed, and the next one waits for its backoff.
 */
export type EndpointState = 'idle' | 'connecting' | 'ready' | 'backoff';

export interface ConnectionDescription {
  /** `tcp://127.0.0.1:50051`. */
  readonly peer: string;
  /** 16 bytes in hex that name the peer's process; empty before the handshake. */
  readonly instance: string;
  /** Calls in flight, and calls that wait for a slot on this connection. */
  readonly inFlight: number;
  readonly ageMs: number;
}

export interface EndpointDescription {
  readonly address: string;
  readonly weight: number;
  readonly priority: number;
  readonly state: EndpointState;
  /** It gets no calls for a while, because too many of them failed. */
  readonly ejected: boolean;
  /** The resolver no longer lists it; it is removed when another endpoint is ready. */
  readonly leaving: boolean;
  readonly connections: readonly ConnectionDescription[];
  readonly inFlight: number;
  /** Peak-EWMA of the time from a request to its answer, in milliseconds; 0 before the first answer. */
  readonly latencyMs: number;
  /** Calls that it has answered since the resolver first listed it. */
  readonly answered: number;
  /** Calls that count as failures of this endpoint. */
  readonly failed: number;
  readonly failuresInRow: number;
  /** Why the last attempt to connect failed; null: it did not. */
  readonly failure: string | null;
  /** Milliseconds until the next attempt to connect; 0: at once, with the next call. */
  readonly retryInMs: number;
}

export interface ChannelDescription {
  /** The target of `connect`: `tcp://127.0.0.1:50051`, `dns+srv://_rpc._tcp.cities`, or a resolver's name. */
  readonly target: string;
  readonly state: 'idle' | 'connecting' | 'ready' | 'backoff' | 'closed';
  readonly endpoints: readonly EndpointDescription[];
  /** Why the last look-up of the endpoints failed; null: it did not. */
  readonly resolverFailure: string | null;
  /** Attempts so far, retries and hedges included. */
  readonly callsMade: number;
  /** Calls that wait for a connection. */
  readonly callsWaiting: number;
  readonly retries: {
    /** Retries and hedges so far. */
    readonly made: number;
    /** Calls that wait for the backoff before a retry. */
    readonly waiting: number;
    /** Retries that the budget allows now; 0 when retries are off. */
    readonly budgetLeft: number;
  };
}
