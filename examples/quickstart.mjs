import { connect, defineService, Server, schema, unary } from 'trunkline';

const CityId = schema({ type: 'record', name: 'CityId', fields: [{ name: 'id', type: 'long' }] });
const City = schema({
  type: 'record',
  name: 'City',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'population', type: ['null', 'int'], default: null },
  ],
});
const Cities = defineService('demo.Cities', { get: unary({ request: CityId, response: City }) });

const server = new Server();
server.add(Cities, { get: ({ id }) => ({ id, name: '北京', population: 18_960_744 }) });
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });

const channel = connect(`tcp://127.0.0.1:${port}`);
const cities = channel.client(Cities);
const city = await cities.get({ id: 1816670 }, { deadlineMs: 2_000 });
console.log(`${city.name} has ${city.population} inhabitants`);

await channel.close();
await server.drain();
