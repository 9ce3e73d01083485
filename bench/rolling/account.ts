/**
 * Combines the client's outcomes with the servers' logs: no single process knows whether a call ran twice, or ran although its
 * error says started=no.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Outcome } from './outcome.js';
import { ID_BYTES } from './server.js';

export interface Account {
  readonly calls: number;
  readonly answered: number;
  /** Failed, and the handler certainly did not begin, as the error says. */
  readonly failedUnstarted: number;
  readonly failedMaybe: number;
  /** Failed with something other than an `RpcError`. */
  readonly failedOtherwise: number;
  /** Handlers that began, in all processes. */
  readonly executions: number;
  readonly executedTwice: number;
  readonly answeredUnexecuted: number;
  /** Failed with started=no, though a handler had begun. */
  readonly executedUnstarted: number;
  /** Ids that the client never sent. */
  readonly unknown: number;
}

/** `began`: the folder with one file for each process that served. `outcomes`: the client's file. */
export function accountOf(began: string, outcomes: string): Account {
  const ends = readFileSync(outcomes);
  const times = new Uint8Array(ends.length);
  let executions = 0;
  let unknown = 0;
  for (const name of readdirSync(began)) {
    const ids = readFileSync(join(began, name));
    for (let at = 0; at + ID_BYTES <= ids.length; at += ID_BYTES) {
      const id = ids.readUInt32LE(at);
      executions++;
      if (id >= ends.length) unknown++;
      else times[id] = Math.min(times[id] + 1, 255);
    }
  }
  const count = (holds: (end: number, times: number) => boolean): number => {
    let found = 0;
    for (let id = 0; id < ends.length; id++) if (holds(ends[id], times[id])) found++;
    return found;
  };
  return {
    calls: ends.length,
    answered: count((end) => end === Outcome.answered),
    failedUnstarted: count((end) => end === Outcome.failedUnstarted),
    failedMaybe: count((end) => end === Outcome.failedMaybe),
    failedOtherwise: count((end) => end === Outcome.notMade),
    executions,
    executedTwice: count((_, ran) => ran > 1),
    answeredUnexecuted: count((end, ran) => end === Outcome.answered && ran === 0),
    executedUnstarted: count((end, ran) => end === Outcome.failedUnstarted && ran > 0),
    unknown,
  };
}
