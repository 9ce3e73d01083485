/** What `connect` takes besides its target. */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { RpcError } from '../base/errors.js';
import type { LedgerListener } from '../connection/calls/call-marks.js';
import type { HandlerOptions } from '../peer/service-host.js';
import type { EndpointOptions } from '../peer/settings.js';
import type { EjectionOptions } from '../resilience/ejection.js';
import type { HedgeOptions } from '../resilience/hedge-policy.js';
import { leastLoaded } from '../resilience/least-loaded.js';
import type { Balancer } from '../resilience/picker.js';
import type { RetryOptions } from '../resilience/retry-policy.js';
import type { Transport } from '../transport/transport.js';
import type { PoolOptions } from './pool-options.js';

export interface ChannelOptions extends EndpointOptions, HandlerOptions {
  /**
   * For `tls://` endpoints: options of `tls.connect`, such as `ca`, `cert`, `key` and `servername`. The server's certificate is
   * verified unless `rejectUnauthorized: false` says otherwise.
   */
  readonly tls?: TlsOptions;
  /**
   * Every call asks for its ledger (`CallLedger`), unless it says otherwise. With a function it is told of each ledger and the
   * method's name, also of plain calls, whose result has no place for it. Default false.
   */
  readonly ledger?: boolean | LedgerListener;
  /** Deadline of calls that name none, in milliseconds. Default `limits.deadlineMsDefault` (30,000). */
  readonly deadlineMs?: number;
  /** Connections to each endpoint: how many, and for how long. */
  readonly pool?: PoolOptions;
  /**
   * Who takes the next call: `leastLoaded` (default), `roundRobin`, `consistentHash()` by the calls' `key`, or a function of your
   * own.
   */
  readonly balancer?: Balancer;
  /** When endpoints whose calls fail are left alone for a while; false: never. */
  readonly ejection?: EjectionOptions | false;
  /**
   * How calls are made again that failed and may be: idempotent ones, and those that a server refused before they started. False: no
   * call is, but for those that a drain or a lost connection left unsent, which always are (`limits.resendsMax`).
   */
  readonly retry?: RetryOptions | false;
  /**
   * Idempotent unary calls that have no answer after the time in which most have one are made a second time at another endpoint, out of
   * the retry budget. The first answer counts, and the other attempt is cancelled. Default false: never.
   */
  readonly hedging?: HedgeOptions | false;
  /**
   * Calls wait for a connection until their deadline, in place of failing as soon as no endpoint can be reached. Default false. A call
   * may say otherwise.
   */
  readonly waitForReady?: boolean;
  /**
   * Opens a transport to an address, such as `tcp://host:port`, within `connectMsMax` milliseconds; default: a socket. For tests and
   * simulations.
   */
  readonly dial?: (address: string, connectMsMax: number) => Promise<Transport>;
}

/** Throws an `RpcError` (INVALID_ARGUMENT). */
export function balancerOf({ balancer = leastLoaded }: ChannelOptions): Balancer {
  if (typeof balancer !== 'function') {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `balancer is ${String(balancer)}, but must be a function such as roundRobin`,
    );
  }
  return balancer;
}

/** The deadline of calls that name none. Throws an `RpcError` (INVALID_ARGUMENT). */
export function deadlineMsOf({ deadlineMs }: ChannelOptions, deadlineMsDefault: number): number {
  const ms = deadlineMs ?? deadlineMsDefault;
  if (ms > 0) return ms;
  throw new RpcError('INVALID_ARGUMENT', `deadlineMs is ${String(deadlineMs)}, but must be more than 0`);
}
