/** Both sides of `bench -- streams`, each in its process. */
import type { Side } from '../process/side.js';
import { openClient } from './client.js';
import type { StreamsClient, StreamsServer } from './roles.js';
import { openServer } from './server.js';

export function open(role: StreamsServer | StreamsClient): Promise<Side> {
  if (role.side === 'server') return openServer(role.streams);
  return openClient(role.port, role.streams, role.itemsEach);
}
