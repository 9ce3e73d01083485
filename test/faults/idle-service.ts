/** The service of `idle-process.ts` and `idle-process.test.ts`: calls that take as long as they are told. */
import { setTimeout as wait } from 'node:timers/promises';
import { defineService, type Handlers, serverStream, unary } from '../../src/index.js';

export const Idle = defineService('test.Idle', {
  /** Answers after so many milliseconds. */
  nap: unary({ request: 'int', response: 'int' }),
  /** So many items, 100 ms apart. */
  count: serverStream({ request: 'int', response: 'int' }),
});

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export const idleHandlers: Handlers<typeof Idle> = {
  // A call whose deadline has passed leaves no timer behind.
  nap: (ms, { signal }) => wait(ms, ms, { signal }),
  count: async function* (items) {
    for (let item = 1; item <= items; item++) {
      await sleep(100);
      yield item;
    }
  },
};
