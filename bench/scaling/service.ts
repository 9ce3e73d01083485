/** What `bench -- scaling` calls. */
import { defineService, type Limits, raw, serverStream, unary } from '../../src/index.js';
import { canonicalSchema } from '../canonical.js';

export const Scaling = defineService('bench.Scaling', {
  echo: unary({ request: canonicalSchema, response: canonicalSchema }),
  bytes: unary({ request: raw, response: raw }),
  /** An endless stream of canonical records. */
  list: serverStream({ request: canonicalSchema, response: canonicalSchema }),
  /** An echo that uses the processor first. */
  work: unary({ request: canonicalSchema, response: canonicalSchema }),
});

/** What a client calls: an echo of records, of so many bytes, an echo that computes, or streams, read by items or by batches. */
export type ScalingMethod = 'echo' | 'bytes' | 'work' | 'items' | 'batches';

/** For what is beyond the defaults: up to 10,000 calls open on one connection. Both sides get them. */
export const wideLimits: Partial<Limits> = {
  callsInFlightMax: 10_000,
  handlersMax: 10_000,
  executingMax: 20_000,
  admissionQueueCallsMax: 20_000,
  admissionQueueBytesMax: 64 * 1024 * 1024,
};
