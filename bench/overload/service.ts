/** What `bench -- overload` calls, and the names that its two processes share. */
import { defineService, unary } from '../../src/index.js';
import { canonicalSchema } from '../canonical.js';

/** `wait`: the handler waits for a timer, as for a database. `compute`: it uses the processor, in one go. */
export const loads = ['wait', 'compute'] as const;
export type OverloadKind = (typeof loads)[number];

export const Overload = defineService('bench.Overload', {
  wait: unary({ request: canonicalSchema, response: canonicalSchema }),
  compute: unary({ request: canonicalSchema, response: canonicalSchema }),
});

/** Handlers at once, and how long one waits: 1,600 calls/s, few enough for one client to make ten times as many. */
export const PLACES = 16;
export const WAIT_MS = 10;
