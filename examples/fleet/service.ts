/** What the processes of the example share: the service, and how a server is told to behave. */
import { defineService, unary } from 'trunkline';

/** A store of numbers. Both methods answer with the number they were given. */
export const Store = defineService('fleet.Store', {
  /** Idempotent: a channel retries it when it failed. */
  read: unary({ request: 'long', response: 'long', idempotent: true }),
  /** Must not run twice: it is retried only if it certainly did not start. */
  write: unary({ request: 'long', response: 'long' }),
});

/** How a server answers: at once, 20 times slower, or with an error. */
export type Mode = 'normal' | 'slow' | 'failing';
