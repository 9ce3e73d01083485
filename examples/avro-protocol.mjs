/**
 * A service from Avro's own files: here Apache's `simple.avpr`; `.avdl` files are read alike. Their messages have no TypeScript types, since the
 * file is read when the program runs.
 */
import { fileURLToPath } from 'node:url';
import { connect, DeclaredError, Server, serviceFromProtocol } from 'trunkline';

const Simple = serviceFromProtocol(fileURLToPath(new URL('../test/data/avro/schemas/simple.avpr', import.meta.url)));

const server = new Server();
server.add(Simple, {
  hello: ({ greeting }) => `you said: ${greeting}`,
  echo: ({ record }) => record,
  add: ({ arg1, arg2 }) => arg1 + arg2,
  echoBytes: ({ data }) => data,
  error() {
    throw new DeclaredError('org.apache.avro.test.TestError', { message: 'as declared' });
  },
  ack: () => console.log('server: a one-way message came'),
});
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`);
const simple = channel.client(Simple);
console.log(await simple.hello({ greeting: '你好' }));
console.log(await simple.add({ arg1: 3, arg2: 4 }));
console.log(await simple.echo({ record: { name: 'a', kind: 'BAR', hash: Buffer.alloc(16, 7) } }));
console.log(await simple.echoBytes({ data: Buffer.from([1, 2, 3]) }));
await simple.error({}).catch((error) => console.log(error.errorName, error.value));
await simple.ack({});

await channel.close();
await server.drain();
