/** LZ4, offered by both sides; it takes the package lz4-napi. Short messages, and those that would not shrink, go out as they are. */
import { connect, defineService, Server, unary } from 'trunkline';

const Notes = defineService('demo.Notes', { echo: unary({ request: 'string', response: 'string' }) });

const server = new Server({ compression: 'lz4' });
server.add(Notes, { echo: (text) => text });
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`, { compression: 'lz4', limits: { compressionBytesMin: 1_024 } });
const text = 'All work and no play. '.repeat(10_000);
const answer = await channel.client(Notes).echo(text);
console.log(answer === text, answer.length);

await channel.close();
await server.drain();
