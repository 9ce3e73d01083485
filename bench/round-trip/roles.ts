/** The client of `bench -- round-trip`; its server is that of `calls`. */
import type { ContenderName } from '../contenders/names.js';
import type { Latency } from '../latencies.js';
import { type Role, roleOf } from '../process/role.js';

export interface RoundTripClient {
  readonly contender: ContenderName;
  readonly port: number;
  readonly callsPerTurn: number;
}

/** Of the last turn; null before the first. */
export interface RoundTripExtra {
  readonly latency: Latency | null;
}

export function roundTripClient(argument: RoundTripClient): Role<RoundTripExtra> {
  return roleOf(new URL('client.js', import.meta.url), `round trips of ${argument.contender}`, argument);
}
