/** What the processes of the example agree on: the service, and what a server is told to be like. */
import { defineService, unary } from 'trunkline';

/** Numbers that are kept for somebody. Both methods answer with the number they were given. */
export const Store = defineService('fleet.Store', {
  /** May run twice without harm, and says so: a channel makes it again when it failed. */
  read: unary({ request: 'long', response: 'long', idempotent: true }),
  /** Must not run twice: it is made again only if it certainly did not start. */
  write: unary({ request: 'long', response: 'long' }),
});

/** How a server answers: at once, 20 times slower, or with an error. */
export type Mode = 'normal' | 'slow' | 'failing';
