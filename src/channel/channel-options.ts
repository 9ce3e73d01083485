/** The options of `connect`. */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { RpcError } from '../base/errors.js';
import { type OptionKinds, shown, wrongOption } from '../base/options.js';
import type { LedgerListener } from '../connection/calls/call-marks.js';
import { type HandlerOptions, handlerOptionKinds } from '../peer/service-host.js';
import { type EndpointOptions, endpointOptionKinds } from '../peer/settings.js';
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
   * Every call asks for its ledger (`CallLedger`), unless the call says otherwise. A function is called with each ledger and the name of
   * its method, also for calls whose result does not include the ledger. Default false.
   */
  readonly ledger?: boolean | LedgerListener;
  /** Deadline of calls without one of their own, in milliseconds. Default `limits.deadlineMsDefault` (30,000). */
  readonly deadlineMs?: number;
  /** How many connections to keep to each endpoint, and for how long. */
  readonly pool?: PoolOptions;
  /**
   * Chooses the endpoint of each call: `leastLoaded` (default), `roundRobin`, `consistentHash()` by the calls' `key`, or a function of
   * your own.
   */
  readonly balancer?: Balancer;
  /** Outlier ejection: when endpoints whose calls fail get no calls for a while. False: never. */
  readonly ejection?: EjectionOptions | false;
  /**
   * How failed calls are retried: idempotent calls, and calls that a server refused before they started. False: no retries. Calls that
   * never started because of a drain or a lost connection are sent again in any case (`limits.resendsMax`).
   */
  readonly retry?: RetryOptions | false;
  /**
   * Hedging: an idempotent unary call that has no answer after the time in which most calls have one is sent to a second endpoint as
   * well, using the retry budget. The first answer counts, and the other attempt is cancelled. Default false: never.
   */
  readonly hedging?: HedgeOptions | false;
  /**
   * Calls wait for a connection until their deadline, instead of failing with UNAVAILABLE when no endpoint can be reached. Default false.
   * A call may say otherwise.
   */
  readonly waitForReady?: boolean;
  /**
   * Opens a transport to an address, such as `tcp://host:port`, within `connectMsMax` milliseconds; default: a socket. For tests and
   * simulations.
   */
  readonly dial?: (address: string, connectMsMax: number) => Promise<Transport>;
}

export const channelOptionKinds: OptionKinds<ChannelOptions> = {
  ...endpointOptionKinds,
  ...handlerOptionKinds,
  tls: 'object',
  ledger: 'checked',
  deadlineMs: 'checked',
  pool: 'checked',
  balancer: 'checked',
  ejection: 'checked',
  retry: 'checked',
  hedging: 'checked',
  waitForReady: 'boolean',
  dial: 'function',
};

/** Throws an `RpcError` (INVALID_ARGUMENT). */
export function balancerOf({ balancer = leastLoaded }: ChannelOptions): Balancer {
  if (typeof balancer !== 'function') {
    throw new RpcError('INVALID_ARGUMENT', `balancer is ${shown(balancer)}, but must be a function such as roundRobin`);
  }
  return balancer;
}

/** Throws an `RpcError` (INVALID_ARGUMENT). */
export function ledgerOf({ ledger = false }: ChannelOptions): boolean | LedgerListener {
  if (typeof ledger === 'boolean' || typeof ledger === 'function') return ledger;
  throw wrongOption('connect', 'ledger', ledger, 'true, false or a function');
}

/** The deadline of calls without one of their own, in milliseconds. Throws an `RpcError` (INVALID_ARGUMENT). */
export function deadlineMsOf(options: ChannelOptions, deadlineMsDefault: number): number {
  const { deadlineMs = deadlineMsDefault } = options;
  if (typeof deadlineMs === 'number' && deadlineMs > 0) return deadlineMs;
  throw new RpcError('INVALID_ARGUMENT', `deadlineMs is ${shown(deadlineMs)}, but must be a number of more than 0`);
}
