/**
 * Entry of a child process: a server, or a client with the load on it. Started by `child.ts`, which talks to it over IPC; it ends
 * when it is told to, and when whoever started it is gone. Each workload is loaded only where it runs.
 */
import type { AllocationActs } from '../allocation/acts.js';
import { loadContender } from '../contenders/names.js';
import { Load } from '../load.js';
import type { Mark, Notice, Order, Role } from './messages.js';
import type { Side } from './side.js';

function tell(notice: Notice): void {
  process.send?.(notice);
}

function tellMark(side: Side): void {
  const { user, system } = process.cpuUsage();
  const mark: Mark = {
    ...side.count(),
    cpuUs: user + system,
    atMs: performance.now(),
    rssBytes: process.memoryUsage.rss(),
  };
  tell({ kind: 'mark', mark });
}

async function open(role: Role): Promise<Side> {
  if (role.workload === 'stream') return (await import('../stream/sides.js')).streamSide(role);
  if (role.workload === 'streams') return (await import('../streams/sides.js')).streamsSide(role);
  if (role.workload === 'turns') return (await import('../channel/client.js')).turnsClient(role);
  if (role.workload === 'roundTrip') return (await import('../round-trip/client.js')).roundTripClient(role);
  if (role.workload === 'rolling') return (await import('../rolling/sides.js')).rollingSide(role);
  if (role.workload === 'balance') return (await import('../balance/sides.js')).balanceSide(role);
  if (role.workload === 'mix') return (await import('../mix/sides.js')).mixSide(role);
  if (role.workload === 'overload') return (await import('../overload/sides.js')).overloadSide(role);
  if (role.workload === 'latency') return (await import('../latency/sides.js')).latencySide(role);
  if (role.workload === 'scaling') return (await import('../scaling/sides.js')).scalingSide(role);
  if (role.workload === 'guard') return (await import('../guard/sides.js')).guardSide(role);
  return callsSide(role);
}

async function callsSide(role: Role & { readonly workload: 'calls' }): Promise<Side> {
  const contender = await loadContender(role.contender);
  if (role.side === 'server') {
    const { port, calls, wrong = () => 0 } = await contender.serve(role.handler);
    return withActs({ port, count: () => ({ done: calls(), wrong: wrong(), failed: 0, failure: '' }) });
  }
  const load = new Load(contender.workload, await contender.dial(role.port));
  void load.run(role.inFlight);
  return withActs({
    port: role.port,
    count: () => ({ done: load.done, wrong: load.wrong, failed: load.failed, failure: load.failure }),
    at: (calls, callback) => {
      load.target = calls;
      load.onTarget = callback;
    },
  });
}

/** The side with the acts of `allocation`, which are loaded only when one is asked for. */
function withActs(side: Side): Side {
  let acts: AllocationActs | null = null;
  return {
    ...side,
    count: () => ({ ...side.count(), ...acts?.counts() }),
    async act(name) {
      acts ??= new (await import('../allocation/acts.js')).AllocationActs();
      await acts.act(name);
    },
  };
}

async function obey(side: Side, order: Order): Promise<void> {
  switch (order.kind) {
    case 'mark':
      tellMark(side);
      break;
    case 'markAt':
      if (side.at === undefined) throw new Error('only a client of calls is told a number of calls');
      side.at(order.calls, () => tellMark(side));
      break;
    case 'act':
      if (side.act === undefined) throw new Error(`this side does not know ${order.name}`);
      await side.act(order.name);
      tellMark(side);
      break;
    default:
      process.exit(0);
  }
}

function onError(error: unknown): void {
  tell({ kind: 'error', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

async function main(): Promise<void> {
  const side = await open(JSON.parse(process.argv[2] as string) as Role);
  process.on('message', (order: Order) => {
    obey(side, order).catch(onError);
  });
  tell({ kind: 'ready', port: side.port });
}

process.on('disconnect', () => process.exit(0));
main().catch(onError);
