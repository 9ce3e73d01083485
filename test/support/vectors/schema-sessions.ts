/** Sessions in which the two sides have different schemas for a method. */
import { createHash } from 'node:crypto';
import { dialled, Session } from './session-builder.js';
import type { FrameView, MethodView, SessionFile } from './view.js';

/** A schema and its canonical form, written by hand. */
interface Known {
  readonly schema: unknown;
  readonly text: string;
}

const fingerprint = ({ text }: Known): string => createHash('sha256').update(text, 'utf8').digest('hex');

const string: Known = { schema: 'string', text: '"string"' };
const cityIdLong: Known = {
  schema: { type: 'record', name: 'test.CityId', fields: [{ name: 'id', type: 'long' }] },
  text: '{"name":"test.CityId","type":"record","fields":[{"name":"id","type":"long"}]}',
};
/** Reads the one above: the new field has a default. */
const cityIdWithZone: Known = {
  schema: {
    type: 'record',
    name: 'test.CityId',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'zone', type: 'string', default: 'utc' },
    ],
  },
  text: '{"name":"test.CityId","type":"record","fields":[{"name":"id","type":"long"},{"name":"zone","type":"string"}]}',
};
const cityIdString: Known = {
  schema: { type: 'record', name: 'test.CityId', fields: [{ name: 'id', type: 'string' }] },
  text: '{"name":"test.CityId","type":"record","fields":[{"name":"id","type":"string"}]}',
};
const cityOld: Known = {
  schema: {
    type: 'record',
    name: 'test.City',
    fields: [
      { name: 'name', type: 'string' },
      { name: 'twin', type: ['null', 'string'], default: null },
    ],
  },
  text: '{"name":"test.City","type":"record","fields":[{"name":"name","type":"string"},{"name":"twin","type":["null","string"]}]}',
};
/** Lacks `twin`, for which the reader above has a default that its canonical form does not show. */
const cityNew: Known = {
  schema: {
    type: 'record',
    name: 'test.City',
    fields: [
      { name: 'country', type: 'string' },
      { name: 'name', type: 'string' },
    ],
  },
  text: '{"name":"test.City","type":"record","fields":[{"name":"country","type":"string"},{"name":"name","type":"string"}]}',
};

const NAME = 'test.Cities/get';
const method = (request: Known, response: Known, handler: Pick<MethodView, 'does' | 'value'> = {}): MethodView => ({
  name: NAME,
  kind: 'UNARY',
  request: request.schema,
  response: response.schema,
  errors: null,
  ...handler,
});
const methodFrame = (role: string, request: Known, response: Known): FrameView => ({
  type: 'METHOD',
  method: 0,
  record: {
    role,
    name: NAME,
    kind: 'UNARY',
    request: fingerprint(request),
    response: fingerprint(response),
    errors: null,
  },
});
const ask = (known: Known): FrameView => ({
  type: 'SCHEMA',
  record: { fingerprint: fingerprint(known), schema: null },
});
const give = (known: Known, schema = known.text): FrameView => ({
  type: 'SCHEMA',
  record: { fingerprint: fingerprint(known), schema },
});
const request = (generation: number, body: string): FrameView => ({
  type: 'REQUEST',
  call: dialled(0, generation),
  method: 0,
  body,
});
const response = (generation: number, body: string): FrameView => ({
  type: 'RESPONSE',
  call: dialled(0, generation),
  body,
});
const breaking = (generation: number, text: string): FrameView => ({
  type: 'FAILURE',
  call: dialled(0, generation),
  record: { code: 9, started: 'NO', text, retryAfterMs: null, elsewhere: false, detail: null },
});
const action = (call: string, value: unknown) => ({ call, method: NAME, value, deadlineMs: null });
const avroString = (text: string): string =>
  Buffer.from([2 * text.length]).toString('hex') + Buffer.from(text).toString('hex');
const needs = ['avro'];

const identical = new Session('equal fingerprints: nothing but calls', {
  needs,
  dialler: { methods: [method(cityIdLong, string)] },
  acceptor: { methods: [method(cityIdLong, string, { does: 'json' })] },
})
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdLong, string), request(1, '0e')], { do: [action('a', { id: 7 })] })
  .from('acceptor', [response(1, avroString('{"id":7}'))])
  .result('dialler', { call: 'a', value: '{"id":7}' })
  .build();

const requestEvolved = new Session(
  'the callee reads a newer request, with a default for what the caller does not send',
  {
    needs,
    dialler: { methods: [method(cityIdLong, string)] },
    acceptor: { methods: [method(cityIdWithZone, string, { does: 'json' })] },
  },
)
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdLong, string), request(1, '0e')], { do: [action('a', { id: 7 })] })
  .from('acceptor', [methodFrame('ANSWER', cityIdWithZone, string), ask(cityIdLong)], { note: 'the call waits' })
  .from('dialler', [give(cityIdLong)])
  .from('acceptor', [response(1, avroString('{"id":7,"zone":"utc"}'))])
  .result('dialler', { call: 'a', value: '{"id":7,"zone":"utc"}' })
  .from('dialler', [request(2, '10')], { do: [action('b', { id: 8 })] })
  .from('acceptor', [response(2, avroString('{"id":8,"zone":"utc"}'))], { note: 'nothing is asked twice' })
  .result('dialler', { call: 'b', value: '{"id":8,"zone":"utc"}' })
  .build();

const responseEvolved = new Session(
  'the callee writes a newer response; the caller reads it with a default that only it knows',
  {
    needs,
    dialler: { methods: [method(cityIdLong, cityOld)] },
    acceptor: { methods: [method(cityIdLong, cityNew, { does: 'answer', value: { country: 'CN', name: 'Beijing' } })] },
  },
)
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdLong, cityOld), request(1, '0e')], { do: [action('a', { id: 7 })] })
  .from('acceptor', [methodFrame('ANSWER', cityIdLong, cityNew), ask(cityOld)])
  .from('dialler', [ask(cityNew)], { note: 'the caller asks, since it resolves the response' })
  .from('acceptor', [give(cityNew)])
  .from('dialler', [give(cityOld)], { note: 'the callee grades what the caller reads' })
  .from('acceptor', [response(1, avroString('CN') + avroString('Beijing'))])
  .result('dialler', { call: 'a', value: { name: 'Beijing', twin: null } })
  .build();

const requestBreaks = new Session('the callee cannot read the request: this method is refused, others are not', {
  needs,
  dialler: { methods: [method(cityIdString, string)] },
  acceptor: { methods: [method(cityIdLong, string, { does: 'json' })] },
})
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdString, string), request(1, avroString('7'))], {
    do: [action('a', { id: '7' })],
  })
  .from('acceptor', [methodFrame('ANSWER', cityIdLong, string), ask(cityIdString)])
  .from('dialler', [give(cityIdString)])
  .from('acceptor', [breaking(1, 'CityId.id')])
  .result('dialler', { call: 'a', failure: { code: 'FAILED_PRECONDITION', started: 'NO' } })
  .from('dialler', [request(2, avroString('8'))], { do: [action('b', { id: '8' })] })
  .from('acceptor', [breaking(2, 'CityId.id')])
  .result('dialler', { call: 'b', failure: { code: 'FAILED_PRECONDITION', started: 'NO' } })
  .build();

const notGiven = new Session('a schema that the caller does not give', {
  needs,
  tests: ['acceptor'],
  acceptor: { methods: [method(cityIdWithZone, string, { does: 'json' })] },
})
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdLong, string), request(1, '0e')])
  .from('acceptor', [methodFrame('ANSWER', cityIdWithZone, string), ask(cityIdLong)])
  .from('dialler', [give(cityIdLong, '')])
  .from('acceptor', [breaking(1, 'the schema of the request is not known')])
  .build();

const falseSchema = new Session('a schema that is not the one of the fingerprint', {
  needs,
  faults: ['B47'],
  tests: ['acceptor'],
  acceptor: { methods: [method(cityIdWithZone, string, { does: 'json' })] },
})
  .greet()
  .from('dialler', [methodFrame('DECLARE', cityIdLong, string), request(1, '0e')])
  .from('acceptor', [methodFrame('ANSWER', cityIdWithZone, string), ask(cityIdLong)])
  .from('dialler', [give(cityIdLong, cityIdString.text)])
  .refusal('acceptor', 6, 'not the schema that was asked for')
  .build();

const rawAgainstSchema = new Session('raw bytes on one side, a schema on the other', {
  needs,
  tests: ['acceptor'],
  acceptor: { methods: [method(cityIdLong, string, { does: 'json' })] },
})
  .greet()
  .from('dialler', [
    {
      type: 'METHOD',
      method: 0,
      record: {
        role: 'DECLARE',
        name: NAME,
        kind: 'UNARY',
        request: null,
        response: fingerprint(string),
        errors: null,
      },
    },
    request(1, '0e'),
  ])
  .from('acceptor', [methodFrame('ANSWER', cityIdLong, string), breaking(1, 'raw bytes')])
  .build();

export const schemaSessions: Readonly<Record<string, SessionFile>> = {
  'schema-identical': identical,
  'schema-request-evolved': requestEvolved,
  'schema-response-evolved': responseEvolved,
  'schema-request-breaks': requestBreaks,
  'schema-not-given': notGiven,
  'schema-false': falseSchema,
  'schema-raw': rawAgainstSchema,
};
