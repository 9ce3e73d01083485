/** Raw bytes in place of Avro: for a serializer of your own. Here it is JSON, and the answer is what came in, with a field more. */
import { connect, defineService, raw, Server, unary } from 'trunkline';

const Echo = defineService('demo.Echo', {
  echo: unary({ request: raw, response: raw }),
});

const server = new Server();
server.add(Echo, {
  echo(bytes) {
    const message = JSON.parse(bytes.toString());
    return Buffer.from(JSON.stringify({ ...message, echoed: true }));
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`);
const answer = await channel.client(Echo).echo(Buffer.from('{"text":"你好"}'));
console.log(answer.toString());

await channel.close();
await server.drain();
