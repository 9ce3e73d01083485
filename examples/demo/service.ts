/**
 * What the two processes of the demo agree on: two services and their messages. The schemas are Avro's JSON; the TypeScript types
 * of requests, answers and errors follow from them.
 */
import { clientStream, defineService, type Infer, schema, serverStream, unary } from 'trunkline';

export const City = schema({
  type: 'record',
  name: 'demo.City',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'altName', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'featureCode', type: 'string' },
    { name: 'adminCode', type: 'string' },
    { name: 'muni', type: ['null', 'string'], default: null },
    { name: 'muniSub', type: ['null', 'string'], default: null },
    { name: 'population', type: 'int' },
    { name: 'latitude', type: 'double' },
    { name: 'longitude', type: 'double' },
  ],
});
export type City = Infer<typeof City>;

const CityId = schema({ type: 'record', name: 'demo.CityId', fields: [{ name: 'id', type: 'long' }] });

const NoSuchCity = schema({ type: 'error', name: 'demo.NoSuchCity', fields: [{ name: 'id', type: 'long' }] });

const Point = schema({
  type: 'record',
  name: 'demo.Point',
  fields: [
    { name: 'latitude', type: 'double' },
    { name: 'longitude', type: 'double' },
    { name: 'count', type: 'int', default: 3 },
  ],
});

const Nearby = schema({
  type: 'record',
  name: 'demo.Nearby',
  fields: [
    { name: 'city', type: City },
    { name: 'km', type: 'double' },
  ],
});
export type Nearby = Infer<typeof Nearby>;

const Census = schema({
  type: 'record',
  name: 'demo.Census',
  fields: [
    { name: 'count', type: 'int' },
    { name: 'countries', type: 'int' },
    { name: 'population', type: 'long' },
  ],
});

/** Look-ups among the cities of GeoNames. */
export const Cities = defineService('demo.Cities', {
  /** The city with this id. */
  get: unary({ request: CityId, response: City, errors: [NoSuchCity] }),
  /** The `count` cities nearest to a point, the nearest first. */
  nearest: unary({ request: Point, response: { type: 'array', items: Nearby } }),
  /** Every city of a country, by its code of two letters. */
  inCountry: serverStream({ request: 'string', response: City }),
  /** Counts the cities that the caller sends. */
  census: clientStream({ request: City, response: Census }),
});

/** What the server process says of itself; a connection carries any number of services. */
export const ServerProcess = defineService('demo.ServerProcess', {
  /** CPU time that the process has used so far, in microseconds. */
  cpuMicros: unary({ request: 'null', response: 'long' }),
});
