/** Both sides of `bench -- rolling`, each in its process. */
import type { Side } from '../process/side.js';
import { openClient } from './client.js';
import type { RollingClient, RollingServer } from './roles.js';
import { openServer } from './server.js';

export function open(role: RollingServer | RollingClient): Promise<Side> {
  return role.side === 'server' ? openServer(role.port, role.began) : openClient(role);
}
