/**
 * The script of `idle-process.test.ts`: plays one scene and closes nothing. `say` prints what the scene came to; a scene whose process
 * ends too early does not come to say it.
 */
import { connect, defineService, Server, type ServerOptions, unary } from '../../src/index.js';
import { ca, server as keys } from '../support/certificates.js';
import { Idle, idleHandlers, sleep } from './idle-service.js';

const Back = defineService('test.Back', { echo: unary({ request: 'int', response: 'int' }) });

const say = (text: unknown) => console.log(String(text));
/** Runs only if something else keeps the process alive for so long. */
const later = (ms: number, callback: () => void) => void setTimeout(callback, ms).unref();

/** A server of this process that does not keep it alive, and that may go on to be called. */
async function serve(options: ServerOptions = {}): Promise<number> {
  const { port } = await new Server(options).add(Idle, idleHandlers).unref().listen({ host: '127.0.0.1' });
  return port;
}

const scenes: Readonly<Record<string, (target: string) => Promise<void>>> = {
  called: async (target) => {
    say(await connect(target).client(Idle).nap(1));
  },
  greeted: async (target) => {
    await connect(target).ready();
    say('ready');
  },
  pending: async (target) => {
    const client = connect(target).client(Idle);
    await client.nap(1);
    // Idle by then, so the next call has to keep the process alive again.
    await sleep(200);
    void client.nap(300).then(say);
  },
  late: async (target) => {
    const call = connect(target).client(Idle).nap(60_000, { deadlineMs: 300 });
    call.catch((error) => say(error.code));
  },
  waiting: async () => {
    const call = connect('tcp://127.0.0.1:1').client(Idle).nap(1, { waitForReady: true, deadlineMs: 600 });
    call.catch((error) => say(error.code));
  },
  streamed: async (target) => {
    const items: number[] = [];
    void (async () => {
      for await (const item of connect(target).client(Idle).count(5)) items.push(item);
      say(items);
    })();
  },
  endpoints: async (target) => {
    const channel = connect([target, 'tcp://127.0.0.1:1']);
    say(await channel.client(Idle).nap(1));
  },
  closing: async (target) => {
    const channel = connect(target);
    await channel.client(Idle).nap(1);
    await sleep(200);
    later(50_000, () => say('too late'));
    await channel.close();
    say('closed');
  },
  asked: async (target) => {
    const channel = connect(target).ref();
    await channel.client(Idle).nap(1);
    later(400, () => {
      say('still here');
      channel.unref();
    });
  },
  askedUnconnected: async (target) => {
    const channel = connect(target).ref();
    later(400, () => {
      say('still here');
      channel.unref();
    });
  },
  serving: async (target) => {
    const channel = connect(target).add(Back, { echo: (value) => value });
    await channel.ready();
    later(400, () => {
      say('still here');
      channel.unref();
    });
  },
  servingReleased: async (target) => {
    const channel = connect(target).add(Back, { echo: (value) => value });
    await channel.unref().ready();
    say('ready');
  },
  server: async () => {
    say(
      await connect(`tcp://127.0.0.1:${await serve()}`)
        .client(Idle)
        .nap(1),
    );
  },
  serverKept: async () => {
    const server = new Server().unref().add(Idle, idleHandlers);
    await server.listen({ host: '127.0.0.1' });
    server.ref();
    later(300, () => {
      say('still here');
      server.unref();
    });
  },
  tls: async () => {
    const port = await serve({ tls: keys });
    const channel = connect(`tls://localhost:${port}`, { tls: { ca } });
    say(await channel.client(Idle).nap(1));
    await sleep(200);
    void channel.client(Idle).nap(300).then(say);
  },
  polled: async (target) => {
    say(await connect(target, { busyPollUs: 50 }).client(Idle).nap(1));
  },
};

const [, , scene = '', target = ''] = process.argv;
await scenes[scene]?.(target);
