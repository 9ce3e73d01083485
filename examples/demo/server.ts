/**
 * The server process of the demo. `main.ts` starts it and is told the target; by hand it is
 * `PORT=50051 node .build/examples/demo/server.js`.
 */
import { declared, RpcError, Server } from 'trunkline';
import { cityOf, loadCities } from './cities.js';
import { NearestIndex } from './nearest.js';
import { Cities, type City, ServerProcess } from './service.js';

const COUNT_MAX = 100;

const cities = new Map<number, City>();
for (const source of loadCities()) cities.set(source.cityId, cityOf(source));
const index = new NearestIndex(cities.values());

const server = new Server();
server.add(Cities, {
  get({ id }) {
    const city = cities.get(id);
    if (city === undefined) throw declared(Cities.methods.get, 'demo.NoSuchCity', { id });
    return city;
  },
  nearest({ latitude, longitude, count }) {
    if (count < 1 || count > COUNT_MAX) {
      throw new RpcError('INVALID_ARGUMENT', `count is ${count}, but must be from 1 to ${COUNT_MAX}`);
    }
    return index.nearest(latitude, longitude, count);
  },
  *inCountry(country) {
    for (const city of cities.values()) if (city.country === country) yield city;
  },
  async census(sent) {
    let count = 0;
    let population = 0;
    const countries = new Set<string>();
    for await (const batch of sent.batches()) {
      count += batch.length;
      for (const city of batch) {
        population += city.population;
        countries.add(city.country);
      }
    }
    return { count, countries: countries.size, population };
  },
});
server.add(ServerProcess, {
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});

const { host, port } = await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) });
const target = `tcp://${host}:${port}`;

if (process.send === undefined) {
  console.log(`demo.Cities with ${cities.size} cities at ${target}`);
  process.once('SIGINT', () => void server.drain({ graceMs: 1_000 }));
} else {
  process.send(target);
  // Ctrl-C reaches both processes; the client ends this one, and its end is this one's end too.
  process.on('SIGINT', () => {});
  process.once('disconnect', () => process.exit());
}
