/**
 * A server of `bench -- balance`: its handler waits for a random, exponentially distributed time, so that it is not limited by CPU. It
 * can be told to take longer, or to fail every call at once.
 */
import { RpcError, Server } from '../../src/index.js';
import { Random } from '../../src/testing/index.js';
import type { Side } from '../process/side.js';
import { Balance, SLOWED } from './service.js';

/** `healthy`, `slow` and `failing` are its acts. */
type Condition = 'healthy' | 'slow' | 'failing';

/** Times longer than this many means are not drawn: one in 1,100. */
const MEANS_MAX = 7;

export async function openServer(index: number, meanMs: number): Promise<Side> {
  const random = new Random(index + 1);
  let condition: Condition = 'healthy';
  let done = 0;
  const run = (): Promise<number> => {
    done++;
    if (condition === 'failing') throw new RpcError('UNAVAILABLE', 'this server is out of order');
    const means = Math.min(-Math.log(1 - random.unit()), MEANS_MAX);
    const ms = means * meanMs * (condition === 'slow' ? SLOWED : 1);
    return new Promise((resolve) => setTimeout(resolve, ms, index));
  };
  const server = new Server().add(Balance, { once: run, again: run });
  const { port } = await server.listen({ host: '127.0.0.1' });
  return {
    port,
    count: () => ({ done, wrong: 0, failed: 0, failure: '' }),
    act(name) {
      condition = name as Condition;
    },
  };
}
