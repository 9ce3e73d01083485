/** What a call may carry: metadata in both directions, a deadline, and a signal that cancels it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, defineService, Server, unary } from 'trunkline';

const Greeter = defineService('demo.Greeter', {
  greet: unary({ request: 'string', response: 'string' }),
  wait: unary({ request: 'int', response: 'string' }),
});

const server = new Server();
server.add(Greeter, {
  greet(name, context) {
    context.responseMetadata = { 'served-by': 'server 1' };
    return `${context.metadata.language === 'de' ? 'Guten Tag' : 'Hello'}, ${name}`;
  },
  async wait(ms, context) {
    // The handler learns that nobody waits for its answer any more.
    await sleep(ms, undefined, { signal: context.signal });
    return `waited ${ms} ms`;
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`);
const greeter = channel.client(Greeter);

const { value, metadata } = await greeter.greet.detailed('Ada', { metadata: { language: 'de' } });
console.log(`${value} (served by ${metadata?.['served-by']})`);

await greeter.wait(60_000, { deadlineMs: 50 }).catch((error) => console.log(error.code));

const controller = new AbortController();
const waiting = greeter.wait(60_000, { signal: controller.signal });
controller.abort();
await waiting.catch((error) => console.log(error.code));

console.log(await greeter.wait(1));

await channel.close();
await server.drain();
