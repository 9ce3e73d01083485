/** Both sides of `bench -- stream`, each in its process. */
import type { Side } from '../process/side.js';
import { ItemCheck } from './item-check.js';
import { loadStreamProgram } from './names.js';
import type { StreamClient, StreamServer } from './roles.js';

export async function open(role: StreamServer | StreamClient): Promise<Side> {
  const program = await loadStreamProgram(role.program);
  if (role.side === 'server') {
    const { port, calls } = await program.serve();
    return { port, count: () => ({ done: calls(), wrong: 0, failed: 0, failure: '' }) };
  }
  const check = new ItemCheck();
  await program.consume(role.port, check);
  return { port: role.port, count: () => check.counts() };
}
