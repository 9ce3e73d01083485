/** The processes of `overload.test.ts`: a server with little capacity, and a client. Both report what they hold on request. */
import { closeSync, openSync } from 'node:fs';
import { connect, RpcError, Server } from '../../src/index.js';
import { tellReady } from '../support/child.js';
import { handlers, Notes, sleep } from '../support/rpc.js';

const held: number[] = [];

/** Leaves this process only `count` file descriptors of its limit; Infinity: gives all back. */
function leaveDescriptors(count: number): void {
  for (const descriptor of held.splice(0)) closeSync(descriptor);
  if (count === Infinity) return;
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    for (const descriptor of held.splice(0, count)) closeSync(descriptor);
  }
}

/** An order of the test: to leave this many descriptors (-1: all), or another one. */
function onAsked(answer: () => unknown): void {
  process.on('message', ({ leave }: { readonly leave?: number }) => {
    if (leave === undefined) {
      void Promise.resolve(answer()).then((said) => process.send?.(said));
    } else {
      leaveDescriptors(leave < 0 ? Infinity : leave);
      process.send?.('left');
    }
  });
}

const [scene, ...args] = process.argv.slice(2);

async function serve(): Promise<void> {
  let most = 0;
  let running = 0;
  const [executingMax, admissionQueueCallsMax] = args.map(Number) as [number, number];
  const server = new Server({ limits: { executingMax, admissionQueueCallsMax } }).add(
    Notes,
    handlers({
      echo: async (note) => {
        most = Math.max(most, ++running);
        await sleep(2);
        running--;
        return { id: note.id, text: '' };
      },
    }),
  );
  const { port } = await server.listen({ host: '127.0.0.1' });
  onAsked(() => ({ ...server.load, most }));
  tellReady({ port });
}

/** Dials and calls on each order, and reports the result. */
function dial(): void {
  onAsked(async () => {
    const channel = connect(`tcp://127.0.0.1:${args[0]}`, { retry: false });
    try {
      const { id } = await channel.client(Notes).echo({ id: 7, text: '' });
      return { id };
    } catch (error) {
      const { code, started, message } = error as RpcError;
      return { code, started, message, rpc: error instanceof RpcError };
    } finally {
      await channel.close();
    }
  });
  tellReady({});
}

if (scene === 'serve') await serve();
else dial();
