/** A commit under the guard: the processes of one side of a turn. */
import type { Allocated } from '../allocation/meter.js';
import { type Role, roleOf } from '../process/role.js';
import type { GuardWorkloadName } from './names.js';

export interface GuardServerRole {
  readonly side: 'server';
  /** Of the checkout. */
  readonly folder: string;
  readonly name: GuardWorkloadName;
}

export interface GuardClientRole {
  readonly side: 'client';
  readonly folder: string;
  readonly name: GuardWorkloadName;
  readonly ports: readonly number[];
}

export interface GuardExtra {
  /** Where the server listens; none of a client. */
  readonly ports: readonly number[];
  /** What the meter found last; null before. */
  readonly allocated: Allocated | null;
}

const module = new URL('sides.js', import.meta.url);

export function guardServer(argument: Omit<GuardServerRole, 'side'>): Role<GuardExtra> {
  return roleOf(module, `server of ${argument.name}`, { side: 'server', ...argument } satisfies GuardServerRole);
}

export function guardClient(argument: Omit<GuardClientRole, 'side'>): Role<GuardExtra> {
  return roleOf(module, `client of ${argument.name}`, { side: 'client', ...argument } satisfies GuardClientRole);
}
