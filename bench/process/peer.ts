/**
 * Entry of a child process: a server, or a client with the load on it. Started by `child.ts`, which talks to it over IPC. It ends when it is
 * ordered to, and when the process that started it is gone. Only the module of its own role is loaded.
 */
import type { Notice, Order } from './messages.js';
import type { Role, SideModule } from './role.js';
import type { Side } from './side.js';

function send(notice: Notice): void {
  process.send?.(notice);
}

function sendMark(side: Side): void {
  const { user, system } = process.cpuUsage();
  const mark = {
    ...side.count(),
    cpuUs: user + system,
    atMs: performance.now(),
    rssBytes: process.memoryUsage.rss(),
  };
  send({ kind: 'mark', mark });
}

async function obey(side: Side, order: Order): Promise<void> {
  switch (order.kind) {
    case 'mark':
      sendMark(side);
      break;
    case 'markAt':
      if (side.at === undefined) throw new Error('this side cannot say when a number of calls is done');
      side.at(order.calls, () => sendMark(side));
      break;
    case 'act':
      if (side.act === undefined) throw new Error(`this side does not know ${order.name}`);
      await side.act(order.name);
      sendMark(side);
      break;
    default:
      process.exit(0);
  }
}

function onError(error: unknown): void {
  send({ kind: 'error', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

async function main(): Promise<void> {
  const { module, argument } = JSON.parse(process.argv[2] as string) as Role;
  const { open } = (await import(module)) as SideModule;
  const side = await open(argument);
  process.on('message', (order: Order) => {
    obey(side, order).catch(onError);
  });
  send({ kind: 'ready', port: side.port });
}

process.on('disconnect', () => process.exit(0));
main().catch(onError);
