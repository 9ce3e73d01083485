/**
 * How many retries and hedges a channel may add to its calls: a share of the calls of the last 10 s, plus a few per second so that a
 * channel with few calls can retry too. Without a budget, retries multiply the load of servers that fail under load.
 *
 * The hot path only counts calls. This class notes that count about once a second, when it is asked. Calls before the first note of the
 * window do not count, so the budget is never too large.
 */
import { RpcError } from '../base/errors.js';
import { readOptions } from '../base/options.js';

export interface RetryBudgetOptions {
  /** Retries as a share of the calls of the last 10 s. Default 0.2 (Finagle's `percentCanRetry`). */
  readonly share?: number;
  /** Additional retries per second, over 10 s: with 10, up to 100 at once. Default 10 (Finagle's `minRetriesPerSec`). */
  readonly perSecondMin?: number;
}

/** Finagle's `ttl`. */
const WINDOW_MS = 10_000;
const NOTE_MS = 1000;

interface Note {
  readonly at: number;
  /** Calls made before. */
  readonly calls: number;
  /** Retries granted from then to the next note, which is less than a second. */
  retries: number;
}

export class RetryBudget {
  private readonly share: number;
  private readonly reserve: number;
  /** Of the window and the second before it, the oldest first. */
  private readonly notes: Note[] = [];

  constructor(options?: RetryBudgetOptions) {
    const kinds = { share: 'number', perSecondMin: 'number' } as const;
    const { share = 0.2, perSecondMin = 10 } = readOptions<RetryBudgetOptions>('retry.budget.', options, kinds);
    if (!(share >= 0 && share <= 10)) throw wrong('share', share, 'from 0 to 10');
    if (!(perSecondMin >= 0 && perSecondMin < Infinity)) throw wrong('perSecondMin', perSecondMin, '0 or more');
    this.share = share;
    this.reserve = (perSecondMin * WINDOW_MS) / 1000;
  }

  /** Takes one retry; false: there is none left. `callsMade` is the channel's running count of calls, without retries. */
  withdraw(now: number, callsMade: number): boolean {
    if (this.left(now, callsMade) < 1) return false;
    this.notes[this.notes.length - 1].retries++;
    return true;
  }

  /** How many retries the budget allows now. Each question also notes the calls since the last one. */
  left(now: number, callsMade: number): number {
    const { notes } = this;
    while (notes.length > 0 && notes[0].at <= now - WINDOW_MS - NOTE_MS) notes.shift();
    const last = notes.at(-1);
    if (last === undefined || now >= last.at + NOTE_MS) notes.push({ at: now, calls: callsMade, retries: 0 });
    let retries = 0;
    let callsBefore = callsMade;
    for (const note of notes) {
      retries += note.retries;
      if (note.at >= now - WINDOW_MS && note.calls < callsBefore) callsBefore = note.calls;
    }
    return Math.max(0, Math.floor(this.reserve + this.share * (callsMade - callsBefore) - retries));
  }
}

function wrong(name: string, value: number, range: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `retry.budget.${name} is ${value}, but must be ${range}`);
}
