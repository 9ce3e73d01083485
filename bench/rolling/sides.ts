/** Both sides of `bench -- rolling`, each in its process. */
import type { Role } from '../process/messages.js';
import type { Side } from '../process/side.js';
import { rollingClient } from './client.js';
import { rollingServer } from './server.js';

export function rollingSide(role: Role & { readonly workload: 'rolling' }): Promise<Side> {
  return role.side === 'server' ? rollingServer(role.port, role.began) : rollingClient(role);
}
