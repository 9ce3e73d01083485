/**
 * `bench -- round-trip`: one call in flight, and what the engine adds to the round trip of raw node:net. Each contender has a pair of
 * processes that stays; they take many short turns one after the other, so that each ratio is made of neighbours in time.
 */

import { callsServer } from '../calls/roles.js';
import { type ContenderName, titles } from '../contenders/names.js';
import { measuredBetween, problemOf, sleep } from '../measure.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { said } from '../process/marks.js';
import { type Pair, withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { type RoundTripExtra, roundTripClient } from '../round-trip/roles.js';
import { rotated } from '../rounds.js';

export interface RoundTripSettings {
  /** The first is what the others are compared with. */
  readonly contenders: readonly ContenderName[];
  /** Of each contender; half as many more come first and do not count. */
  readonly rounds: number;
  readonly callsPerTurn: number;
  readonly judged: boolean;
  readonly pinning: Pinning;
}

/** One turn of one contender. CPU time per call. */
export interface RoundTripSample {
  readonly round: number;
  readonly contender: ContenderName;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly clientUs: number;
  readonly serverUs: number;
}

export interface RoundTripRun {
  readonly samples: readonly RoundTripSample[];
  readonly problem: string | null;
}

export const roundTripContenders: readonly ContenderName[] = ['raw-echo', 'engine', 'engine-polling', 'floor'];
const RATIO_MAX = 1.08;
const TURN_MS_MAX = 60_000;
/** Pause after a turn: busy polling has stopped by then and takes no core from the next contender. */
const PAUSE_SECONDS = 0.005;

const options = {
  rounds: common.rounds(40),
  'calls-per-turn': option.whole('COUNT', 1000, 1, 'calls in a turn'),
  json: common.json,
} as const;

export const roundTripCommand = command(
  'round-trip',
  'one call in flight against raw node:net: the round trip',
  options,
  async (values) => {
    const settings: RoundTripSettings = {
      contenders: roundTripContenders,
      rounds: values.rounds,
      callsPerTurn: values['calls-per-turn'],
      judged: true,
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const run = await takeRounds(settings);
    const code = reportRoundTrips(settings, run);
    keepRaw(values.json, { command: 'round-trip', environment, settings, samples: run.samples });
    return code;
  },
);

export async function takeRounds(settings: RoundTripSettings): Promise<RoundTripRun> {
  const { contenders, rounds } = settings;
  return withPairs(settings, contenders, async (pairs) => {
    const samples: RoundTripSample[] = [];
    for (let round = -Math.ceil(rounds / 2); round < rounds; round++) {
      for (const contender of rotated(contenders, round)) {
        const taken = await takeTurn(said(pairs.get(contender) ?? null, contender), contender, round);
        if (taken.problem !== null) return { samples, problem: taken.problem };
        if (round >= 0) samples.push(taken.sample);
      }
    }
    return { samples, problem: null };
  });
}

type RoundTripPair = Pair<object, RoundTripExtra>;

/** Starts a pair of each contender, with those before it still there. */
function withPairs<T>(
  settings: RoundTripSettings,
  contenders: readonly ContenderName[],
  measure: (pairs: Map<ContenderName, RoundTripPair>) => Promise<T>,
): Promise<T> {
  const [contender, ...others] = contenders;
  if (contender === undefined) return measure(new Map());
  const { pinning, callsPerTurn } = settings;
  return withSides(
    {
      server: callsServer({ contender, handler: 'sync' }),
      client: (port) => roundTripClient({ contender, port, callsPerTurn }),
      pinning,
    },
    (pair) => withPairs(settings, others, (pairs) => measure(pairs.set(contender, pair))),
  );
}

async function takeTurn(
  { client, server }: RoundTripPair,
  contender: ContenderName,
  round: number,
): Promise<{ readonly sample: RoundTripSample; readonly problem: string | null }> {
  const [client0, server0] = await Promise.all([client.mark(), server.mark()]);
  const client1 = await client.act('turn', TURN_MS_MAX);
  const server1 = await server.mark();
  await sleep(PAUSE_SECONDS);
  const measured = measuredBetween([client0, client1], [server0, server1]);
  const { calls, ms, p50Us, p99Us } = said(client1.latency, 'latency');
  const { clientUs, serverUs } = measured;
  const problem = problemOf(measured);
  return {
    sample: { round, contender, perSecond: (calls / ms) * 1000, p50Us, p99Us, clientUs, serverUs },
    problem: problem === null ? null : `${titles[contender]}: ${problem}`,
  };
}

type Figure = 'perSecond' | 'p50Us' | 'p99Us' | 'clientUs' | 'serverUs';

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportRoundTrips(settings: RoundTripSettings, { samples, problem }: RoundTripRun): number {
  if (problem !== null) {
    console.log(`FAILED: ${problem}`);
    return 1;
  }
  const { contenders, rounds, callsPerTurn, judged } = settings;
  const of = (contender: ContenderName, figure: Figure): number[] =>
    samples.filter((sample) => sample.contender === contender).map((sample) => sample[figure]);
  const base = contenders[0] as ContenderName;
  /** Each round's ratio to the first contender in the same round. */
  const ratios = (contender: ContenderName, figure: Figure): number[] =>
    of(contender, figure).map((value, round) => value / (of(base, figure)[round] as number));
  const rows = [['', 'calls/s', 'p50 us', 'p99 us', 'client us', 'server us', 'p50 x', 'p99 x']];
  for (const contender of contenders) {
    const middle = (figure: Figure): number => median(of(contender, figure));
    rows.push([
      titles[contender],
      whole(middle('perSecond')),
      ...(['p50Us', 'p99Us', 'clientUs', 'serverUs'] as const).map((figure) => fixed(middle(figure), 1)),
      ...(['p50Us', 'p99Us'] as const).map((figure) => fixed(median(ratios(contender, figure)), 3)),
    ]);
  }
  console.log(`one call in flight; medians of ${rounds} turns of ${whole(callsPerTurn)} calls each; answers checked`);
  console.log(`x: by ${titles[base]} in the same round\n\n${table(rows, 1)}`);
  if (!judged) return 0;
  const sorted = ratios('engine', 'p50Us').toSorted((a, b) => a - b);
  const value = median(sorted);
  const at = (share: number): string => fixed(sorted[Math.floor(share * (sorted.length - 1))] as number, 3);
  const verdict = value <= RATIO_MAX ? 'met' : 'MISSED';
  console.log(
    `\ntarget ${verdict}: the round trip without polling at most ${RATIO_MAX} x ${titles[base]}: ` +
      `${fixed(value, 3)} (half of the rounds ${at(0.25)} to ${at(0.75)})`,
  );
  return 0;
}
