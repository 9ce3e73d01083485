/** What `bench -- balance` calls. The answer is the number of the server, from 0 on. */
import { defineService, unary } from '../../src/index.js';

export const Balance = defineService('bench.Balance', {
  once: unary({ request: 'int', response: 'int' }),
  again: unary({ request: 'int', response: 'int', idempotent: true }),
});

/** A server of five gets slower by this. */
export const SLOWED = 20;
