/** What the clients of the channel simulation call: the call's number says what its handler is to do. */
import { clientStream, defineService, serverStream, unary } from '../../../src/index.js';

const Ask = {
  type: 'record',
  name: 'sim.Ask',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'filling', type: 'bytes' },
  ],
} as const;

/** `host` and `life`: which process answered. */
const Answer = {
  type: 'record',
  name: 'sim.Answer',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'index', type: 'int' },
    { name: 'host', type: 'string' },
    { name: 'life', type: 'int' },
  ],
} as const;

export interface Ask {
  readonly id: number;
  readonly filling: Buffer;
}

export interface Answer {
  readonly id: number;
  readonly index: number;
  readonly host: string;
  readonly life: number;
}

export const Shop = defineService('sim.Shop', {
  /** Idempotent: the channel may make it again. */
  get: unary({ request: Ask, response: Answer, idempotent: true }),
  put: unary({ request: Ask, response: Answer }),
  list: serverStream({ request: Ask, response: Answer, idempotent: true }),
  fill: clientStream({ request: Ask, response: Answer }),
});
