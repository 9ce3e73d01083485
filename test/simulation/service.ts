/** What the simulated clients call: the call's number says what its handler is to do, and every body follows from it. */
import { clientStream, defineService, duplex, oneway, serverStream, unary } from '../../src/index.js';
import { Random } from '../../src/testing/random.js';

/** What a handler does with its call. */
export const acts = ['answer', 'answerLater', 'refuse', 'throw', 'untilAborted', 'ignoreAbort'] as const;
export type Act = (typeof acts)[number];

const Part = {
  type: 'record',
  name: 'sim.Part',
  fields: [
    /** The call's number. */
    { name: 'id', type: 'int' },
    /** Its place in its stream; 0 for what is no item. */
    { name: 'index', type: 'int' },
    { name: 'body', type: 'bytes' },
  ],
} as const;

export interface Part {
  readonly id: number;
  readonly index: number;
  readonly body: Buffer;
}

export const Work = defineService('sim.Work', {
  ask: unary({ request: Part, response: Part }),
  tell: oneway({ request: Part }),
  list: serverStream({ request: Part, response: Part }),
  collect: clientStream({ request: Part, response: Part }),
  chat: duplex({ request: Part, response: Part }),
});

/** Which bytes of a call a body is. */
export const Salt = { request: 1, answer: 2, toCallee: 3, toCaller: 4 } as const;

const pool = new Random(0xb0d1e5).bytes(512 * 1024);

/** The body of a message: bytes that only this call and this purpose have in this place. */
export function bodyOf(id: number, salt: number, bytes: number, index = 0): Buffer {
  const start = (id * 131 + salt * 7_919 + index * 613) % (pool.length - bytes);
  return pool.subarray(start, start + bytes);
}
