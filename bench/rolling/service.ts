/** What `bench -- rolling` calls. Each call has an id of its own, which is also its answer. */
import { defineService, unary } from '../../src/index.js';

export const Rolling = defineService('bench.Rolling', {
  /** May run once only. */
  once: unary({ request: 'long', response: 'long' }),
  /** May run again. */
  again: unary({ request: 'long', response: 'long', idempotent: true }),
});
