/** Unary calls of any contender in a closed loop: what most commands measure. */
import type { Allocated } from '../allocation/meter.js';
import type { Site } from '../allocation/sites.js';
import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import { type Role, roleOf } from '../process/role.js';

export interface CallsServer {
  readonly side: 'server';
  readonly contender: ContenderName;
  readonly handler: HandlerKind;
}

export interface CallsClient {
  readonly side: 'client';
  readonly contender: ContenderName;
  readonly port: number;
  readonly inFlight: number;
}

/** Only after an act of `allocation`: what the meter, or the profile, of this side found. */
export interface CallsExtra {
  readonly allocated?: Allocated;
  readonly sites?: readonly Site[];
}

const module = new URL('sides.js', import.meta.url);

export function callsServer(argument: Omit<CallsServer, 'side'>): Role<CallsExtra> {
  return roleOf(module, `server of ${argument.contender}`, { side: 'server', ...argument } satisfies CallsServer);
}

export function callsClient(argument: Omit<CallsClient, 'side'>): Role<CallsExtra> {
  return roleOf(module, `client of ${argument.contender}`, { side: 'client', ...argument } satisfies CallsClient);
}
