/** Both sides of unary calls, each in its process. */
import type { AllocationActs } from '../allocation/acts.js';
import { loadContender } from '../contenders/names.js';
import { Load } from '../load.js';
import type { Side } from '../process/side.js';
import type { CallsClient, CallsExtra, CallsServer } from './roles.js';

export async function open(role: CallsServer | CallsClient): Promise<Side<CallsExtra>> {
  const contender = await loadContender(role.contender);
  if (role.side === 'server') {
    const { port, calls, wrong = () => 0 } = await contender.serve(role.handler);
    return withActs({ port, count: () => ({ done: calls(), wrong: wrong(), failed: 0, failure: '' }) });
  }
  const load = new Load(contender.workload, await contender.dial(role.port));
  void load.run(role.inFlight);
  return withActs({
    port: role.port,
    count: () => load.counts(),
    at: (calls, callback) => {
      load.target = calls;
      load.onTarget = callback;
    },
  });
}

/** The side with the acts of `allocation`, which are loaded only when one is asked for. */
function withActs(side: Side): Side<CallsExtra> {
  let acts: AllocationActs | null = null;
  return {
    ...side,
    count: () => ({ ...side.count(), ...acts?.found }),
    async act(name) {
      acts ??= new (await import('../allocation/acts.js')).AllocationActs();
      await acts.act(name);
    },
  };
}
