/**
 * Entry of a child process: one contender's server, or its client with the load on it. Started by `child.ts`, which talks to it
 * over IPC; it ends when it is told to, and when whoever started it is gone.
 */
import type { Contender } from '../contenders/contender.js';
import { loadContender } from '../contenders/names.js';
import { Load } from '../load.js';
import type { Mark, Notice, Order, Role } from './messages.js';

interface Side {
  readonly port: number;
  count(): Pick<Mark, 'calls' | 'wrong' | 'failed' | 'failure'>;
  /** Calls back when so many calls are done. */
  at(calls: number, callback: () => void): void;
}

function tell(notice: Notice): void {
  process.send?.(notice);
}

function markOf(side: Side): Mark {
  const { user, system } = process.cpuUsage();
  return { ...side.count(), cpuUs: user + system, atMs: performance.now(), rssBytes: process.memoryUsage.rss() };
}

async function serve(contender: Contender<unknown>, role: Role & { readonly side: 'server' }): Promise<Side> {
  const { port, calls } = await contender.serve(role.handler);
  return {
    port,
    count: () => ({ calls: calls(), wrong: 0, failed: 0, failure: '' }),
    at: () => {
      throw new Error('only a client is told a number of calls');
    },
  };
}

async function drive(contender: Contender<unknown>, role: Role & { readonly side: 'client' }): Promise<Side> {
  const load = new Load(contender.workload, await contender.dial(role.port));
  void load.run(role.inFlight);
  return {
    port: role.port,
    count: () => ({ calls: load.done, wrong: load.wrong, failed: load.failed, failure: load.failure }),
    at: (calls, callback) => {
      load.target = calls;
      load.onTarget = callback;
    },
  };
}

async function main(): Promise<void> {
  const role = JSON.parse(process.argv[2] as string) as Role;
  const contender = await loadContender(role.contender);
  const side = role.side === 'server' ? await serve(contender, role) : await drive(contender, role);
  process.on('message', (order: Order) => {
    if (order.kind === 'mark') tell({ kind: 'mark', mark: markOf(side) });
    else if (order.kind === 'markAt') side.at(order.calls, () => tell({ kind: 'mark', mark: markOf(side) }));
    else process.exit(0);
  });
  tell({ kind: 'ready', port: side.port });
}

process.on('disconnect', () => process.exit(0));
main().catch((error: unknown) => {
  tell({ kind: 'error', text: String(error) });
});
