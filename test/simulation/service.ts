/** What the simulated clients call: the call's number says what its handler is to do, and every body follows from it. */
import { blob, clientStream, defineService, duplex, oneway, serverStream, unary } from '../../src/index.js';
import { Random } from '../../src/testing/random.js';

/** What a handler does with its call. */
export const acts = ['answer', 'answerLater', 'askBack', 'refuse', 'throw', 'untilAborted', 'ignoreAbort'] as const;
export type Act = (typeof acts)[number];

const id = { name: 'id', type: 'int' } as const;
const index = { name: 'index', type: 'int' } as const;
const body = { name: 'body', type: 'bytes' } as const;
const Part = { type: 'record', name: 'sim.Part', fields: [id, index, body] } as const;

export interface Part {
  /** The call's number. */
  readonly id: number;
  /** Its index in its stream; 0 for a message that is not an item. */
  readonly index: number;
  readonly body: Buffer;
}

export const Work = defineService('sim.Work', {
  ask: unary({ request: Part, response: Part }),
  tell: oneway({ request: Part }),
  list: serverStream({ request: Part, response: Part }),
  collect: clientStream({ request: Part, response: Part }),
  chat: duplex({ request: Part, response: Part }),
  store: blob({ request: Part, response: Part }),
});

/** What the clients serve: a handler asks its caller with the call's number, and gets the next one. */
export const Back = defineService('sim.Back', { confirm: unary({ request: 'int', response: 'int' }) });

const note = { name: 'note', type: 'string', default: '' } as const;
const OtherPart = { type: 'record', name: 'sim.Part', fields: [body, note, index, id] } as const;

/** The same for clients of another version: their schemas are exchanged before their first calls run. */
export const OtherWork = defineService('sim.Work', {
  ask: unary({ request: OtherPart, response: OtherPart }),
  tell: oneway({ request: OtherPart }),
  list: serverStream({ request: OtherPart, response: OtherPart }),
  collect: clientStream({ request: OtherPart, response: OtherPart }),
  chat: duplex({ request: OtherPart, response: OtherPart }),
  store: blob({ request: OtherPart, response: OtherPart }),
});

/** Which bytes of a call a body is. */
export const Salt = { request: 1, answer: 2, toCallee: 3, toCaller: 4 } as const;

const pool = new Random(0xb0d1e5).bytes(512 * 1024);

/** The body of a message: bytes that only this call and this purpose have in this place. */
export function bodyOf(call: number, salt: number, bytes: number, place = 0): Buffer {
  const start = (call * 131 + salt * 7_919 + place * 613) % (pool.length - bytes);
  return pool.subarray(start, start + bytes);
}
