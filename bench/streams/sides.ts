/** Both sides of `bench -- streams`, each in its process. */
import type { Role } from '../process/messages.js';
import type { Side } from '../process/side.js';
import { streamsClient } from './client.js';
import { streamsServer } from './server.js';

export function streamsSide(role: Role & { readonly workload: 'streams' }): Promise<Side> {
  if (role.side === 'server') return streamsServer(role.streams);
  return streamsClient(role.port, role.streams, role.itemsEach);
}
