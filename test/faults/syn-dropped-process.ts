/**
 * Runs in a network namespace of its own, in which SYN to the port of its first argument are dropped without a word. Prints, as
 * JSON, how calls to that port fail, and how they go when another endpoint is up.
 */
import { connect, RpcError, Server } from '../../src/index.js';
import { handlers, Notes } from '../support/rpc.js';

const dropped = `tcp://127.0.0.1:${process.argv[2]}`;
const connectMsMax = Number(process.argv[3]);
const note = { id: 1, text: 'one' };

const lonely = connect(dropped, { limits: { connectMsMax } });
const from = performance.now();
const failure = await lonely
  .client(Notes)
  .echo(note)
  .catch((error: unknown) => error as RpcError);
const ms = performance.now() - from;
await lonely.close();

const server = new Server().add(Notes, handlers());
const { port } = await server.listen({ host: '127.0.0.1' });
const channel = connect([dropped, `tcp://127.0.0.1:${port}`], { limits: { connectMsMax } });
const notes = channel.client(Notes);
let answered = 0;
// Calls before, while and after the attempt runs into its time.
for (const until = performance.now() + 2 * connectMsMax; performance.now() < until; ) {
  await notes.echo(note);
  answered++;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
const { state } = channel.describe().endpoints[0] as { state: string };
await channel.close();
await server.close();

const { code, started, message } = failure instanceof RpcError ? failure : { code: '', started: '', message: '' };
console.log(JSON.stringify({ code, started, message, ms, answered, state }));
