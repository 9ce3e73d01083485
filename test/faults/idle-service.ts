/** The service of `idle-process.ts` and `idle-process.test.ts`: calls that take as long as they are told. */
import { defineService, type Handlers, serverStream, unary } from '../../src/index.js';

export const Idle = defineService('test.Idle', {
  /** Answers after so many milliseconds. */
  nap: unary({ request: 'int', response: 'int' }),
  /** So many items, 100 ms apart. */
  count: serverStream({ request: 'int', response: 'int' }),
});

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export const idleHandlers: Handlers<typeof Idle> = {
  nap: async (ms) => {
    await sleep(ms);
    return ms;
  },
  count: async function* (items) {
    for (let item = 1; item <= items; item++) {
      await sleep(100);
      yield item;
    }
  },
};
