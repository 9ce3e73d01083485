/** Both sides of the guard's turns, each in its process. The bench drives them by acts: `run:N`, `meter:begin`, `meter:end`. */
import { type Allocated, AllocationMeter } from '../allocation/meter.js';
import type { Side } from '../process/side.js';
import { openGuardClient, openGuardServer } from './load.js';
import type { GuardClientRole, GuardExtra, GuardServerRole } from './roles.js';

export async function open(role: GuardServerRole | GuardClientRole): Promise<Side<GuardExtra>> {
  const { folder, name } = role;
  const server = role.side === 'server' ? await openGuardServer(folder, name) : null;
  const client = role.side === 'client' ? await openGuardClient(folder, name, role.ports) : null;
  const meter = new AllocationMeter();
  let allocated: Allocated | null = null;
  let done = 0;
  return {
    port: server?.ports[0] ?? 0,
    count: () => ({ done, wrong: 0, failed: 0, failure: '', ports: server?.ports ?? [], allocated }),
    async act(act) {
      if (act === 'meter:begin') meter.begin();
      else if (act === 'meter:end') allocated = meter.end();
      else if (client !== null && act.startsWith('run:')) {
        const operations = Number(act.slice('run:'.length));
        await client.run(operations);
        done += operations;
      } else throw new Error(`there is no act ${act}`);
    },
  };
}
