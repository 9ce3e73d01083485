/**
 * The one record that every contender carries, and the check of what came back. Each call sends the record of its caller's id
 * and gets the same record in answer, so an answer that went to the wrong caller shows.
 */

import type { Workload } from './load.js';

export const canonicalSchema = {
  type: 'record',
  name: 'Canonical',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'score', type: 'double' },
  ],
} as const;

export interface Canonical {
  readonly id: number;
  readonly name: string;
  readonly tags: string[];
  readonly score: number;
}

/** A fresh record, as a program that has something new to say would make one for each call. */
export function canonicalRecord(id: number): Canonical {
  return { id, name: 'abcdefghijklmnop', tags: ['alpha', 'beta', 'gamma'], score: 1.5 };
}

/** What is looked at in each answer. It costs the same for everyone, and little. */
export function looksRight(answer: Canonical, id: number): boolean {
  return answer.id === id && answer.tags.length === 3;
}

/** What is looked at now and then: every part. */
export function isRight(answer: Canonical, id: number): boolean {
  const { name, tags, score } = answer;
  return answer.id === id && name === 'abcdefghijklmnop' && score === 1.5 && tags.join() === 'alpha,beta,gamma';
}

export const canonicalWorkload: Workload<Canonical> = { make: canonicalRecord, looksRight, isRight };

const HEADER_BYTES = 12;
/** Everything but the id. */
const REST_BYTES = 44;

/** What an item frame of the engine with this record takes, its header included: what it costs of its stream's credit. */
export function frameBytes(id: number): number {
  // Avro's long: zigzag, seven bits a byte.
  let bytes = 1;
  for (let above = 64; id >= above; above *= 128) bytes++;
  return HEADER_BYTES + REST_BYTES + bytes;
}
