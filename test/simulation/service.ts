/** What the simulated clients call: a request says what its handler is to do, and both bodies follow from the call's number. */
import { defineService, oneway, unary } from '../../src/index.js';
import { Random } from '../../src/testing/random.js';

/** What a handler does with its call. */
export const acts = ['answer', 'answerLater', 'refuse', 'throw', 'untilAborted', 'ignoreAbort'] as const;
export type Act = (typeof acts)[number];

const Ask = {
  type: 'record',
  name: 'sim.Ask',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'act', type: 'int' },
    { name: 'ms', type: 'int' },
    { name: 'answerBytes', type: 'int' },
    { name: 'body', type: 'bytes' },
  ],
} as const;

const Answer = {
  type: 'record',
  name: 'sim.Answer',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'body', type: 'bytes' },
  ],
} as const;

export const Work = defineService('sim.Work', {
  ask: unary({ request: Ask, response: Answer }),
  tell: oneway({ request: Ask }),
});

const pool = new Random(0xb0d1e5).bytes(512 * 1024);

/** The body of a message: bytes that only this call and this purpose have in this place. */
export function bodyOf(id: number, salt: number, bytes: number): Buffer {
  const start = (id * 131 + salt * 7_919) % (pool.length - bytes);
  return pool.subarray(start, start + bytes);
}
