/** The service of `bench -- streams`: a method of every kind, each over the canonical record, and an endless stream. */
import { clientStream, defineService, duplex, serverStream, unary } from '../../src/index.js';
import { canonicalSchema } from '../canonical.js';

export const Streams = defineService('bench.Streams', {
  /** An endless stream of records with ids from 0 on. The request is the number of the stream. */
  endless: serverStream({ request: 'long', response: canonicalSchema }),
  unary: unary({ request: canonicalSchema, response: canonicalSchema }),
  /** So many records as the request says, with ids from 0 on. */
  serverStream: serverStream({ request: 'long', response: canonicalSchema }),
  /** How many records came with the ids from 0 on, in order. */
  clientStream: clientStream({ request: canonicalSchema, response: 'long' }),
  /** Each record back. */
  duplex: duplex({ request: canonicalSchema, response: canonicalSchema }),
});

export const kinds = ['unary', 'serverStream', 'clientStream', 'duplex'] as const;
export type Kind = (typeof kinds)[number];

/** The number of the endless stream that its consumer does not read. */
export const STALLED = -1;
