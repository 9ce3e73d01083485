/**
 * Two versions of one service. Each side keeps its own schema, and the reader resolves: fields it does not know are skipped, and
 * fields that the writer did not know get their default. Only a method whose versions cannot be reconciled is refused; the others work.
 */
import { connect, defineService, Server, schema, unary } from 'trunkline';

const CityV1 = schema({
  type: 'record',
  name: 'City',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'mayor', type: 'string', default: '' },
  ],
});
const V1 = defineService('demo.Cities', {
  get: unary({ request: 'int', response: CityV1 }),
  rename: unary({ request: CityV1, response: 'boolean' }),
});

const CityV2 = schema({
  type: 'record',
  name: 'City',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'population', type: 'long', default: -1 },
    { name: 'twins', type: { type: 'array', items: 'string' }, default: [] },
  ],
});
const NewCity = schema({
  type: 'record',
  name: 'City',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'reason', type: 'string' },
  ],
});
const V2 = defineService('demo.Cities', {
  get: unary({ request: 'int', response: CityV2 }),
  rename: unary({ request: NewCity, response: 'boolean' }),
});

const oldServer = new Server();
oldServer.add(V1, { get: () => ({ name: 'Bonn', mayor: 'Kim' }), rename: () => true });
const newServer = new Server();
newServer.add(V2, { get: () => ({ name: 'Bonn', population: 335_975, twins: ['Oxford'] }), rename: () => true });

const toNew = connect(`tcp://127.0.0.1:${(await newServer.listen({ host: '127.0.0.1' })).port}`);
const oldClient = toNew.client(V1);
console.log('old client, new server:', await oldClient.get(7));
await oldClient.rename({ name: 'Bonn' }).catch((error) => console.log(`  ${error.code}: ${error.message}`));

const toOld = connect(`tcp://127.0.0.1:${(await oldServer.listen({ host: '127.0.0.1' })).port}`);
const newClient = toOld.client(V2);
console.log('new client, old server:', await newClient.get(7));
console.log('  renamed:', await newClient.rename({ name: 'Bonn', reason: 'none' }));

await Promise.all([toNew.close(), toOld.close()]);
await Promise.all([newServer.drain(), oldServer.drain()]);
