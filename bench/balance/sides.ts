/** Both sides of `bench -- balance`, each in its process. */
import type { Side } from '../process/side.js';
import { openClient } from './client.js';
import type { BalanceClient, BalanceServer } from './roles.js';
import { openServer } from './server.js';

export function open(role: BalanceServer | BalanceClient): Promise<Side> {
  return role.side === 'server' ? openServer(role.index, role.meanMs) : openClient(role);
}
