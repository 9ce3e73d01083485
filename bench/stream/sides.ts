/** Both sides of `bench -- stream`, each in its process. */
import type { Role } from '../process/messages.js';
import type { Side } from '../process/side.js';
import { ItemCheck } from './item-check.js';
import { loadStreamProgram } from './names.js';

export async function streamSide(role: Role & { readonly workload: 'stream' }): Promise<Side> {
  const program = await loadStreamProgram(role.contender);
  if (role.side === 'server') {
    const { port, calls } = await program.serve();
    return { port, count: () => ({ done: calls(), wrong: 0, failed: 0, failure: '' }) };
  }
  const check = new ItemCheck();
  await program.consume(role.port, check);
  return { port: role.port, count: () => check.counts() };
}
