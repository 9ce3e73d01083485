/** Decoding the canonical record with and without guards, in small turns that take the same noise, by CPU time of this process. */
import { avroCodec } from '../../src/avro/codec/codec.js';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { type Canonical, canonicalSchema, isRight } from '../canonical.js';
import { median } from '../report/statistics.js';
import { unguardedCodec } from '../unguarded/unguarded-codec.js';
import { canonicalMessages, type Messages } from './messages.js';

export interface GuardTimes {
  readonly guardedNs: number;
  readonly unguardedNs: number;
  /** Median of the turns' differences. */
  readonly differenceNs: number;
}

/** Passes over all messages in one turn of one decoder: some milliseconds. */
const PASSES = 40;

export function timeGuards(turns: number): GuardTimes {
  const guarded = avroCodec<Canonical>(canonicalSchema);
  const unguarded = unguardedCodec();
  const messages = canonicalMessages();
  for (const codec of [guarded, unguarded]) verify(codec, messages);
  const pairs = Array.from({ length: turns }, (_, turn) => {
    // Each goes first in every other turn.
    if (turn % 2 === 0) {
      const first = nsPerDecode(guarded, messages);
      return [first, nsPerDecode(unguarded, messages)] as const;
    }
    const first = nsPerDecode(unguarded, messages);
    return [nsPerDecode(guarded, messages), first] as const;
  });
  // The first turns compile the code.
  const settled = pairs.slice(pairs.length >> 2);
  return {
    guardedNs: median(settled.map(([a]) => a)),
    unguardedNs: median(settled.map(([, b]) => b)),
    differenceNs: median(settled.map(([a, b]) => a - b)),
  };
}

function verify(codec: MessageCodec<Canonical>, { buffer, ends }: Messages): void {
  let start = 0;
  for (const [id, end] of ends.entries()) {
    if (!isRight(codec.decode(buffer, start, end), id)) throw new Error(`a decoder reads record ${id} wrongly`);
    start = end;
  }
}

function nsPerDecode(codec: MessageCodec<Canonical>, messages: Messages): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let pass = 0; pass < PASSES; pass++) sum += decodeAll(codec, messages);
  const { user, system } = process.cpuUsage(before);
  const { ends } = messages;
  if (sum !== (PASSES * ends.length * (ends.length - 1)) / 2) throw new Error('a decoder reads ids wrongly');
  return ((user + system) * 1000) / (PASSES * ends.length);
}

/** The sum of all ids, so that no decode can be left out. */
function decodeAll(codec: MessageCodec<Canonical>, { buffer, ends }: Messages): number {
  let sum = 0;
  let start = 0;
  for (const end of ends) {
    sum += codec.decode(buffer, start, end).id;
    start = end;
  }
  return sum;
}
