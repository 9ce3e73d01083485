/**
 * One case: a contender under its load for some seconds. CPU time per call is each side's own CPU time by the calls that this side
 * itself handled between its two marks, so it does not matter that the sides' marks are not at the very same moment.
 */

import type { ContenderName } from './contenders/names.js';
import type { Mark } from './process/messages.js';
import { type PairSettings, withPair } from './process/pair.js';

export interface CaseSettings extends PairSettings {
  readonly seconds: number;
  /** Before the first mark: code is compiled, buffers and heaps find their sizes. */
  readonly warmUpSeconds: number;
}

export interface Sample {
  readonly contender: ContenderName;
  readonly inFlight: number;
  readonly calls: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** CPU microseconds per call. */
  readonly clientUs: number;
  readonly serverUs: number;
  readonly sumUs: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
}

export function measureCase(settings: CaseSettings): Promise<Sample> {
  return withPair(settings, async ({ server, client }) => {
    await sleep(settings.warmUpSeconds);
    const [server0, client0] = await Promise.all([server.mark(), client.mark()]);
    await sleep(settings.seconds);
    const [server1, client1] = await Promise.all([server.mark(), client.mark()]);
    return sampleOf(settings, [client0, client1], [server0, server1]);
  });
}

function sampleOf({ contender, inFlight }: CaseSettings, client: [Mark, Mark], server: [Mark, Mark]): Sample {
  const calls = client[1].calls - client[0].calls;
  const seconds = (client[1].atMs - client[0].atMs) / 1000;
  const clientUs = cpuPerCall(client);
  const serverUs = cpuPerCall(server);
  const { wrong, failed, failure } = client[1];
  return {
    contender,
    inFlight,
    calls,
    seconds,
    callsPerSecond: calls / seconds,
    clientUs,
    serverUs,
    sumUs: clientUs + serverUs,
    wrong,
    failed,
    failure,
  };
}

function cpuPerCall([from, to]: [Mark, Mark]): number {
  return (to.cpuUs - from.cpuUs) / (to.calls - from.calls);
}

/** What makes a sample worthless, or null: its figures must not be printed as a result. */
export function problemOf(sample: Sample): string | null {
  if (sample.wrong > 0) return `${sample.wrong} answers were wrong`;
  if (sample.failed > 0) return `${sample.failed} callers failed, the first with: ${sample.failure}`;
  if (!(sample.calls > 0)) return 'no call was answered';
  return null;
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, seconds * 1000));
}
