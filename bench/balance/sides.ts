/** Both sides of `bench -- balance`, each in its process. */
import type { Role } from '../process/messages.js';
import type { Side } from '../process/side.js';
import { balanceClient } from './client.js';
import { balanceServer } from './server.js';

export function balanceSide(role: Role & { readonly workload: 'balance' }): Promise<Side> {
  return role.side === 'server' ? balanceServer(role.index, role.meanMs) : balanceClient(role);
}
