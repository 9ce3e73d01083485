/** Entry of a server process of `workers.ts`. It ends with the process that started it, as workers of a cluster do. */
import { startScalingServer } from './server.js';
import type { WorkerReport } from './workers.js';

const server = await startScalingServer({}, Number(process.argv[2]));

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ done: server.done(), cpuUs: user + system } satisfies WorkerReport);
});
