/**
 * `bench -- channel`: the extra cost of a call through a channel with one endpoint over a bare connection, and the cost of a pick
 * with several. Both run in one client process and take short turns, so that they share its heap, its compiled code and the
 * machine's speed of the moment.
 */

import { callsServer } from '../calls/roles.js';
import { type Way, ways } from '../channel/client.js';
import { turnsClient } from '../channel/roles.js';
import { type Measured, measuredBetween, problemOf } from '../measure.js';
import { pickTasks } from '../micro/picks.js';
import { runTasks } from '../micro/suite.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import type { Mark } from '../process/marks.js';
import { type Pair, withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median, medians } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { alternated } from '../rounds.js';

export interface ChannelSettings {
  readonly inFlight: readonly number[];
  /** Of each way; half as many more come first and do not count. */
  readonly turns: number;
  readonly callsPerTurn: number;
  readonly pinning: Pinning;
}

/** One turn of each way, neighbours in time. */
export type TurnPair = Readonly<Record<Way, Measured>>;

export interface ChannelRun {
  readonly inFlight: number;
  readonly pairs: readonly TurnPair[];
}

const CPU_RATIO_MAX = 1.05;
const PICK_NS_MAX = 150;
const PICK_RUNS_MIN = 16;
const endpointCounts = [1, 2, 5, 100];
const IN_FLIGHT_MAX = 1000;
const TURN_MS_MAX = 60_000;
const titles: Readonly<Record<Way, string>> = { channel: 'channel, one endpoint', connection: 'bare connection' };

const options = {
  'in-flight': common.inFlight([64, 512], IN_FLIGHT_MAX),
  turns: option.whole('COUNT', 60, 1, 'turns of each way'),
  'calls-per-turn': option.whole('COUNT', 40_000, 1, 'calls in a turn'),
  'pick-ms': option.number('MS', 300, 1, 'time for each balancer and number of endpoints'),
  json: common.json,
} as const;

export const channelCommand = command(
  'channel',
  'a channel with one endpoint against a bare connection; what a pick costs',
  options,
  async (values) => {
    const settings: ChannelSettings = {
      inFlight: values['in-flight'],
      turns: values.turns,
      callsPerTurn: values['calls-per-turn'],
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const runs: ChannelRun[] = [];
    for (const inFlight of settings.inFlight) runs.push({ inFlight, pairs: await takeTurns(settings, inFlight) });
    const problem = runs
      .flatMap(({ pairs }) => pairs.flatMap((pair) => ways.map((way) => problemOf(pair[way]))))
      .find((text) => text !== null);
    if (problem !== undefined) {
      console.log(`FAILED: ${problem}`);
      return 1;
    }
    reportTurns(settings, runs);
    const picks = await measurePicks(values['pick-ms']);
    keepRaw(values.json, { command: 'channel', environment, settings, runs, picks });
    return 0;
  },
);

function takeTurns({ turns, callsPerTurn, pinning }: ChannelSettings, inFlight: number): Promise<TurnPair[]> {
  process.stderr.write(`${turns} turns each, ${inFlight} in flight\n`);
  return withSides(
    {
      server: callsServer({ contender: 'engine', handler: 'sync' }),
      client: (port) => turnsClient({ port, inFlight, callsPerTurn }),
      pinning,
    },
    async (pair) => {
      const pairs: TurnPair[] = [];
      for (let turn = -(turns >> 1); turn < turns; turn++) {
        const taken: Partial<Record<Way, Measured>> = {};
        // Each goes first in every other turn.
        for (const way of alternated(ways, turn)) taken[way] = await takeTurn(pair, way);
        if (turn >= 0) pairs.push(taken as TurnPair);
      }
      return pairs;
    },
  );
}

async function takeTurn({ server, client }: Pair, way: Way): Promise<Measured> {
  const marks = (): Promise<[Mark, Mark]> => Promise.all([client.mark(), server.mark()]);
  const [client0, server0] = await marks();
  await client.act(way, TURN_MS_MAX);
  const [client1, server1] = await marks();
  return measuredBetween([client0, client1], [server0, server1]);
}

function reportTurns({ turns, callsPerTurn }: ChannelSettings, runs: readonly ChannelRun[]): void {
  console.log(`medians of ${turns} turns of ${whole(callsPerTurn)} calls each; all answers checked\n`);
  const rows = [['in flight', '', 'calls/s', 'client us', 'server us', 'CPU us/call']];
  for (const { inFlight, pairs } of runs) {
    for (const way of ways) {
      const { perSecond, clientUs, serverUs, sumUs } = medians(pairs.map((pair) => pair[way]));
      const figures = [whole(perSecond), fixed(clientUs, 3), fixed(serverUs, 3), fixed(sumUs, 3)];
      rows.push([way === 'channel' ? String(inFlight) : '', titles[way], ...figures]);
    }
  }
  console.log(`${table(rows, 2)}\n`);
  for (const { inFlight, pairs } of runs) {
    const sorted = pairs.map(({ channel, connection }) => channel.sumUs / connection.sumUs).toSorted((a, b) => a - b);
    const at = (share: number): string => fixed(sorted[Math.floor(share * (sorted.length - 1))], 3);
    const cpu = median(sorted);
    console.log(
      `target ${cpu <= CPU_RATIO_MAX ? 'met' : 'MISSED'}: CPU per call through a channel, ${inFlight} in flight, at most ` +
        `${CPU_RATIO_MAX} x: ${fixed(cpu, 3)} (half of the turns ${at(0.25)} to ${at(0.75)})`,
    );
  }
}

async function measurePicks(ms: number): Promise<readonly unknown[]> {
  const picks = await runTasks(pickTasks(endpointCounts), { ms, runsMin: PICK_RUNS_MIN });
  const rows = picks.map(({ name, nsPerUnit, nsPerUnitLeast, errorPercent }) => [
    name,
    `${fixed(nsPerUnit, 1)} ns`,
    `${fixed(nsPerUnitLeast, 1)} ns`,
    `${fixed(errorPercent, 1)} %`,
  ]);
  console.log(`\n${table([['', 'median', 'fastest', 'error +-'], ...rows], 1)}\n`);
  for (const name of ['least loaded', 'round robin', 'consistent hash']) {
    const most = Math.max(...picks.filter((pick) => pick.name.includes(name)).map(({ nsPerUnit }) => nsPerUnit));
    const verdict = most <= PICK_NS_MAX ? 'met' : 'MISSED';
    console.log(`target ${verdict}: a pick of ${name} costs at most ${PICK_NS_MAX} ns: ${fixed(most, 1)}`);
  }
  return picks;
}
