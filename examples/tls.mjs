/**
 * TLS with certificates on both sides. The options are those of node:tls; the client verifies the server's certificate unless it is told not
 * to, and the server asks for the client's. The certificates are those of the tests.
 */
import { readFileSync } from 'node:fs';
import { connect, defineService, RpcError, Server, unary } from 'trunkline';

const read = (name) => readFileSync(new URL(`../test/data/tls/${name}`, import.meta.url));

const WhoAmI = defineService('demo.WhoAmI', { ask: unary({ request: 'null', response: 'string' }) });

const server = new Server({
  tls: { cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem'), requestCert: true },
});
server.add(WhoAmI, {
  ask(_, { peer }) {
    if (peer.certificate === null) throw new RpcError('UNAUTHENTICATED', 'show a certificate');
    return peer.certificate.subject;
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });

const tls = { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') };
const channel = connect(`tls://localhost:${port}`, { tls });
console.log(await channel.client(WhoAmI).ask(null));
await channel.close();

const stranger = connect(`tls://localhost:${port}`);
await stranger
  .client(WhoAmI)
  .ask(null)
  .catch((error) => console.log(`${error.code}: ${error.message}`));
await stranger.close();

await server.drain();
