/**
 * One case: a contender under its load for some seconds. CPU time per call (or item of a stream) is each side's own CPU time by the
 * calls that this side itself handled between its two marks, so it does not matter that the sides' marks are not at the very
 * same moment.
 */

import type { ContenderName } from './contenders/names.js';
import type { Mark } from './process/messages.js';
import { type PairSettings, withPair } from './process/pair.js';
import type { Figures } from './report/statistics.js';

export interface Times {
  readonly seconds: number;
  /** Before the first mark: code is compiled, buffers and heaps find their sizes. */
  readonly warmUpSeconds: number;
}

export type CaseSettings = PairSettings & Times;

/** What happened between two marks of both sides. */
export interface Measured extends Figures {
  /** Calls answered, or items taken. */
  readonly done: number;
  readonly seconds: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
}

export interface Sample extends Measured {
  readonly contender: ContenderName;
  readonly inFlight: number;
}

export function measureCase(settings: CaseSettings): Promise<Sample> {
  const { contender, inFlight } = settings;
  return withPair(settings, async (pair) => ({ contender, inFlight, ...(await measurePair(pair, settings)) }));
}

/** What is read of a mark here. */
export type CountMark = Pick<Mark, 'done' | 'cpuUs' | 'atMs' | 'wrong' | 'failed' | 'failure'>;

/** A server and its client, as far as they are asked for marks. */
export interface MarkedPair<M extends CountMark = CountMark> {
  readonly server: { mark(): Promise<M> };
  readonly client: { mark(): Promise<M> };
}

export async function measurePair(pair: MarkedPair, { seconds, warmUpSeconds }: Times): Promise<Measured> {
  await sleep(warmUpSeconds);
  const [client, server] = await marksAround(pair, seconds);
  return measuredBetween(client, server);
}

/** A side that waits for a core may do nothing in a short window: the window lasts until something was done, or this long. */
const IDLE_SECONDS_MAX = 15;
const IDLE_STEP_SECONDS = 0.5;

/** Marks of the client and of the server, `seconds` apart. */
export async function marksAround<M extends CountMark>(
  { server, client }: MarkedPair<M>,
  seconds: number,
): Promise<readonly [client: [M, M], server: [M, M]]> {
  const [server0, client0] = await Promise.all([server.mark(), client.mark()]);
  await sleep(seconds);
  for (let idle = 0; ; idle += IDLE_STEP_SECONDS) {
    const [server1, client1] = await Promise.all([server.mark(), client.mark()]);
    const done = client1.done > client0.done && server1.done > server0.done;
    if (done || client1.failed > 0 || idle >= IDLE_SECONDS_MAX) {
      return [
        [client0, client1],
        [server0, server1],
      ];
    }
    await sleep(IDLE_STEP_SECONDS);
  }
}

export function measuredBetween(
  client: readonly [CountMark, CountMark],
  server: readonly [CountMark, CountMark],
): Measured {
  const done = client[1].done - client[0].done;
  const seconds = (client[1].atMs - client[0].atMs) / 1000;
  const clientUs = cpuPerUnit(client);
  const serverUs = cpuPerUnit(server);
  const { failed, failure } = client[1];
  return {
    done,
    seconds,
    perSecond: done / seconds,
    clientUs,
    serverUs,
    sumUs: clientUs + serverUs,
    wrong: client[1].wrong + server[1].wrong,
    failed,
    failure,
  };
}

function cpuPerUnit([from, to]: readonly [CountMark, CountMark]): number {
  return (to.cpuUs - from.cpuUs) / (to.done - from.done);
}

/** What makes a sample worthless, or null: its figures must not be printed as a result. */
export function problemOf(sample: Pick<Measured, 'done' | 'wrong' | 'failed' | 'failure'>): string | null {
  if (sample.wrong > 0) return `${sample.wrong} answers were wrong`;
  if (sample.failed > 0) return `${sample.failed} callers failed, the first with: ${sample.failure}`;
  if (!(sample.done > 0)) return 'nothing was answered';
  return null;
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, seconds * 1000));
}
