/**
 * One case: a contender under its load for some seconds. CPU time per call (or item of a stream) is each side's own CPU time by the
 * calls that this side itself handled between its two marks, so it does not matter that the sides' marks are not at the very
 * same moment.
 */
import { type PairSettings, withPair } from './calls/pair.js';
import type { ContenderName } from './contenders/names.js';
import type { Mark } from './process/marks.js';

export interface Times {
  readonly seconds: number;
  /** Before the first mark: code is compiled, buffers and heaps find their sizes. */
  readonly warmUpSeconds: number;
}

export type CaseSettings = PairSettings & Times;

export interface Figures {
  /** Calls or items in a second, and CPU microseconds for each. */
  readonly perSecond: number;
  readonly clientUs: number;
  readonly serverUs: number;
  readonly sumUs: number;
}

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
export interface MarkedPair<S extends CountMark = CountMark, C extends CountMark = CountMark> {
  readonly server: { mark(): Promise<S> };
  readonly client: { mark(): Promise<C> };
}

export async function measurePair(pair: MarkedPair, { seconds, warmUpSeconds }: Times): Promise<Measured> {
  await sleep(warmUpSeconds);
  const [client, server] = await marksAround(pair, seconds);
  return measuredBetween(client, server);
}

/** A process that serves or loads, as far as it is started, marked and stopped. */
export interface Started<M extends CountMark> {
  /** The port of a server. */
  ready(): Promise<number>;
  mark(): Promise<M>;
  stop(): Promise<void>;
}

/** Starts a server and its client, takes their marks around a window, and stops both, whatever happens. */
export async function marksOfStarted<S extends CountMark, C extends CountMark>(
  { seconds, warmUpSeconds }: Times,
  startServer: () => Started<S>,
  startClient: (port: number) => Started<C>,
): Promise<readonly [client: [C, C], server: [S, S]]> {
  const server = startServer();
  let client: Started<C> | null = null;
  try {
    client = startClient(await server.ready());
    await client.ready();
    await sleep(warmUpSeconds);
    return await marksAround({ server, client }, seconds);
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    await client?.stop();
    await server.stop();
  }
}

/** A side that waits for a core may do nothing in a short window: the window lasts until something was done, or this long. */
const IDLE_SECONDS_MAX = 15;
const IDLE_STEP_SECONDS = 0.5;

/** Marks of the client and of the server, `seconds` apart. */
export async function marksAround<S extends CountMark, C extends CountMark>(
  { server, client }: MarkedPair<S, C>,
  seconds: number,
): Promise<readonly [client: [C, C], server: [S, S]]> {
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
