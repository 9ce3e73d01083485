/** How many connections a channel keeps to each endpoint, and for how long. */
import { RpcError } from '../base/errors.js';
import { allOfKind, readOptions, shown } from '../base/options.js';

export interface PoolOptions {
  /** Connections kept to each endpoint once it is connected. Default 1. */
  readonly connectionsMin?: number;
  /** Most connections to one endpoint. Default 4, or connectionsMin when that is more. */
  readonly connectionsMax?: number;
  /**
   * Another connection is opened when all have this many calls in flight. Default 1,000; never more than the peer's
   * `callsInFlightMax`.
   */
  readonly callsPerConnection?: number;
  /** A connection beyond connectionsMin is closed after this time without a call, in milliseconds. Default 30,000. */
  readonly idleMsMax?: number;
  /**
   * A connection of this age in milliseconds, jittered by 10 %, is replaced: a new one is opened, then the old one finishes its calls and
   * closes. This spreads load again over servers behind one address. Default Infinity: never.
   */
  readonly ageMsMax?: number;
}

export type PoolSettings = Required<PoolOptions>;

const defaults: PoolSettings = {
  connectionsMin: 1,
  connectionsMax: 4,
  callsPerConnection: 1_000,
  idleMsMax: 30_000,
  ageMsMax: Infinity,
};

/** Completes and checks the options. Throws an `RpcError` (INVALID_ARGUMENT) that names the wrong one. */
export function poolSettingsOf(options?: PoolOptions): PoolSettings {
  const given = readOptions<PoolOptions>('pool.', options, allOfKind(defaults, 'number'));
  const entries: [string, number | undefined][] = Object.entries(given);
  for (const [name, value] of entries) {
    const least = name.startsWith('c') ? 1 : 0;
    if (value !== undefined && !(value >= least)) {
      throw new RpcError(
        'INVALID_ARGUMENT',
        `pool.${name} is ${shown(value)}, but must be a number of at least ${least}`,
      );
    }
  }
  const { connectionsMin, callsPerConnection, idleMsMax, ageMsMax } = { ...defaults, ...given };
  if (connectionsMin === Infinity) throw new RpcError('INVALID_ARGUMENT', 'pool.connectionsMin must not be Infinity');
  const connectionsMax = given.connectionsMax ?? Math.max(defaults.connectionsMax, connectionsMin);
  if (connectionsMax < connectionsMin) {
    const text = `pool.connectionsMax is ${connectionsMax}, but must be at least connectionsMin, ${connectionsMin}`;
    throw new RpcError('INVALID_ARGUMENT', text);
  }
  return { connectionsMin, connectionsMax, callsPerConnection, idleMsMax, ageMsMax };
}
