/**
 * The client of `bench -- channel`: a channel and a bare connection to the same server, in one process. Each act is one turn of one of
 * them: so many calls, so many in flight.
 */
import { engine } from '../contenders/engine.js';
import { engineConnection } from '../contenders/engine-connection.js';
import { Load } from '../load.js';
import type { Side } from '../process/side.js';
import type { TurnsClient } from './roles.js';

export const ways = ['channel', 'connection'] as const;
export type Way = (typeof ways)[number];

export async function open({ port, inFlight, callsPerTurn }: TurnsClient): Promise<Side> {
  const calls = { channel: await engine.dial(port), connection: await engineConnection.dial(port) };
  let done = 0;
  let wrong = 0;
  let failed = 0;
  let failure = '';
  return {
    port,
    count: () => ({ done, wrong, failed, failure }),
    async act(name) {
      const load = new Load(engine.workload, calls[name as Way]);
      load.target = callsPerTurn;
      load.onTarget = () => load.stop();
      await load.run(inFlight);
      done += load.done;
      wrong += load.wrong;
      failed += load.failed;
      if (failure === '') failure = load.failure;
    },
  };
}
