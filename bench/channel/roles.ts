/** The client of `bench -- channel`: calls through a channel and on a bare connection, in turns; its server is that of `calls`. */
import { type Role, roleOf } from '../process/role.js';

export interface TurnsClient {
  readonly port: number;
  readonly inFlight: number;
  readonly callsPerTurn: number;
}

export function turnsClient(argument: TurnsClient): Role {
  return roleOf(new URL('client.js', import.meta.url), 'client of channel', argument);
}
