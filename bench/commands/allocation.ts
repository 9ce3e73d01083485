/**
 * `bench -- allocation`: how many bytes each side allocates for a call, the engine beside the floor program, from V8's own statistics
 * over many calls. With `--sites`, which functions do.
 */

import type { Allocated } from '../allocation/meter.js';
import type { Site } from '../allocation/sites.js';
import { type CallsPair, withPair } from '../calls/pair.js';
import type { CallsExtra } from '../calls/roles.js';
import { type ContenderName, contenderNames, titles } from '../contenders/names.js';
import { problemOf, sleep } from '../measure.js';
import { command, common, option, parseOptions, type Values } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { type Mark, said } from '../process/marks.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { inRounds } from '../rounds.js';

export interface AllocationSettings {
  readonly contenders: readonly ContenderName[];
  readonly inFlight: readonly number[];
  readonly calls: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
  /** Functions to print of each side, 0: no profile. */
  readonly sites: number;
  /** Keep the optimizing compiler from putting functions into their callers, so that each has its own bytes. */
  readonly inlining: boolean;
  readonly judged: boolean;
  readonly pinning: Pinning;
}

/** Bytes are by call. Buffers are not part of them: they have columns of their own. */
export interface AllocationSample {
  readonly round: number;
  readonly contender: ContenderName;
  readonly inFlight: number;
  readonly calls: number;
  readonly clientBytes: number;
  readonly serverBytes: number;
  readonly sumBytes: number;
  readonly clientBufferBytes: number;
  readonly serverBufferBytes: number;
  /** Collections of either side, by million calls. */
  readonly scavenges: number;
  readonly markCompacts: number;
  readonly clientSites: readonly Site[];
  readonly serverSites: readonly Site[];
  readonly problem: string | null;
}

const RATIO_MAX = 1.3;
const MILLION = 1_000_000;
/** Slowest rate, in calls/s, at which a run is still waited for. */
const CALLS_PER_SECOND_MIN = 1_000;

const options = {
  'in-flight': common.inFlight([64, 512], 1_000),
  calls: option.whole('COUNT', MILLION, 1, 'calls that are metered'),
  rounds: common.rounds(3),
  'warm-up': common.warmUp(1.5),
  contenders: option.listOf(contenderNames, ['engine', 'floor'], 'contenders'),
  sites: option.whole('COUNT', 0, 0, 'functions to print of each side; 0: none'),
  inlining: option.oneOf(['on', 'off'], 'on', 'whether the compiler may put functions into their callers'),
  json: common.json,
} as const;

export const allocationCommand = command(
  'allocation',
  'bytes allocated by call, beside the floor program, and by which functions',
  options,
  async (values) => {
    const settings = settingsOf(values);
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await measureAllocations(settings);
    const code = reportAllocations(settings, samples);
    keepRaw(settings.json, { command: 'allocation', environment, settings, samples });
    return code;
  },
);

export function allocationSettings(args: readonly string[]): AllocationSettings & { readonly json: string | null } {
  return settingsOf(parseOptions(options, args));
}

function settingsOf(values: Values<typeof options>): AllocationSettings & { readonly json: string | null } {
  const inlining = values.inlining === 'on';
  return {
    contenders: values.contenders,
    inFlight: values['in-flight'],
    calls: values.calls,
    rounds: values.rounds,
    warmUpSeconds: values['warm-up'],
    sites: values.sites,
    inlining,
    judged: inlining,
    pinning: findPinning(),
    json: values.json,
  };
}

/** Measures every contender at every load, in rounds. */
export function measureAllocations(settings: AllocationSettings): Promise<AllocationSample[]> {
  const { contenders, inFlight, rounds } = settings;
  const groups = inFlight.map((calls) => contenders.map((contender) => ({ contender, calls })));
  return inRounds(
    rounds,
    groups,
    ({ contender, calls }) => `${titles[contender]}, ${calls} in flight`,
    ({ contender, calls }, round) => measureOne(settings, round, contender, calls),
  );
}

function measureOne(
  settings: AllocationSettings,
  round: number,
  contender: ContenderName,
  inFlight: number,
): Promise<AllocationSample> {
  const { pinning, calls, warmUpSeconds, sites, inlining } = settings;
  const nodeArguments = inlining ? [] : ['--no-turbo-inlining'];
  const pair = { contender, handler: 'sync', inFlight, pinning, nodeArguments, profileFolder: null } as const;
  return withPair(pair, async (sides) => {
    await sleep(warmUpSeconds);
    const metered = await between(sides, 'meter', calls);
    const profiled = sites > 0 ? await between(sides, 'sites', calls) : null;
    const client = perCall(metered.client);
    const server = perCall(metered.server);
    return {
      round,
      contender,
      inFlight,
      calls: metered.client[1].done - metered.client[0].done,
      clientBytes: client.heapBytes,
      serverBytes: server.heapBytes,
      sumBytes: client.heapBytes + server.heapBytes,
      clientBufferBytes: client.bufferBytes,
      serverBufferBytes: server.bufferBytes,
      scavenges: (client.scavenges + server.scavenges) * MILLION,
      markCompacts: (client.markCompacts + server.markCompacts) * MILLION,
      clientSites: profiled === null ? [] : sitesPerCall(profiled.client),
      serverSites: profiled === null ? [] : sitesPerCall(profiled.server),
      problem: problemOf({ ...metered.client[1], done: metered.client[1].done - metered.client[0].done }),
    };
  });
}

type CallsMark = Mark & CallsExtra;

interface Span {
  readonly client: readonly [CallsMark, CallsMark];
  readonly server: readonly [CallsMark, CallsMark];
}

/** Starts `what` at both sides, waits for this many calls, and stops it. */
async function between({ client, server }: CallsPair, what: 'meter' | 'sites', calls: number): Promise<Span> {
  const server0 = await server.act(`${what}:begin`);
  const client0 = await client.act(`${what}:begin`);
  await client.markAt(client0.done + calls, 20_000 + (calls / CALLS_PER_SECOND_MIN) * 1_000);
  const client1 = await client.act(`${what}:end`);
  const server1 = await server.act(`${what}:end`);
  return { client: [client0, client1], server: [server0, server1] };
}

/** By the calls that this side itself handled between its two marks. */
function perCall([from, to]: readonly [CallsMark, CallsMark]): Allocated {
  const { heapBytes, bufferBytes, scavenges, markCompacts } = said(to.allocated ?? null, 'allocated bytes');
  const calls = to.done - from.done;
  return {
    heapBytes: heapBytes / calls,
    bufferBytes: bufferBytes / calls,
    scavenges: scavenges / calls,
    markCompacts: markCompacts / calls,
  };
}

function sitesPerCall([from, to]: readonly [CallsMark, CallsMark]): Site[] {
  const calls = to.done - from.done;
  return (to.sites ?? []).map(({ place, bytes }) => ({ place, bytes: bytes / calls }));
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportAllocations(settings: AllocationSettings, samples: readonly AllocationSample[]): number {
  const bad = samples.find(({ problem }) => problem !== null);
  if (bad !== undefined) {
    console.log(`FAILED: ${titles[bad.contender]}, ${bad.inFlight} in flight: ${bad.problem}`);
    return 1;
  }
  const { contenders, inFlight, calls, rounds } = settings;
  console.log(`bytes allocated by call over ${whole(calls)} calls; medians of ${rounds} rounds; answers checked\n`);
  const rows = [
    [
      'in flight',
      'program',
      'client B',
      'server B',
      'sum B',
      'client buffers',
      'server buffers',
      'scavenges',
      'full',
      'engine x',
    ],
  ];
  const targets: string[] = [];
  for (const at of inFlight) {
    const engine = samplesOf(samples, 'engine', at);
    for (const [index, contender] of contenders.entries()) {
      const own = samplesOf(samples, contender, at);
      const ratio = contender === 'engine' || engine.length === 0 ? null : ratioOf(engine, own);
      rows.push([
        index === 0 ? String(at) : '',
        titles[contender],
        ...figures(own),
        ratio === null ? '' : fixed(ratio, 3),
      ]);
      if (contender !== 'floor' || ratio === null) continue;
      const met = ratio <= RATIO_MAX ? 'met' : 'MISSED';
      targets.push(`target ${met}: at ${at} in flight at most ${RATIO_MAX} x floor: ${fixed(ratio, 3)}`);
    }
  }
  console.log(table(rows, 2));
  console.log(
    "\nscavenges, full: collections by million calls, both sides. Buffers: outside of V8's heap, at least, and in no sum.",
  );
  if (settings.judged) console.log(`\n${targets.join('\n')}`);
  if (settings.sites > 0) printSites(settings, samples);
  return 0;
}

function samplesOf(
  samples: readonly AllocationSample[],
  contender: ContenderName,
  inFlight: number,
): AllocationSample[] {
  return samples.filter((sample) => sample.contender === contender && sample.inFlight === inFlight);
}

function figures(samples: readonly AllocationSample[]): string[] {
  const of = (
    figure:
      | 'clientBytes'
      | 'serverBytes'
      | 'sumBytes'
      | 'clientBufferBytes'
      | 'serverBufferBytes'
      | 'scavenges'
      | 'markCompacts',
  ) => fixed(median(samples.map((sample) => sample[figure])), 1);
  return [
    of('clientBytes'),
    of('serverBytes'),
    of('sumBytes'),
    of('clientBufferBytes'),
    of('serverBufferBytes'),
    of('scavenges'),
    of('markCompacts'),
  ];
}

/** Median of the rounds' ratios. */
function ratioOf(engine: readonly AllocationSample[], other: readonly AllocationSample[]): number {
  return median(other.map(({ sumBytes }, round) => (engine[round] as AllocationSample).sumBytes / sumBytes));
}

/** The functions that allocate most, of the last round. */
function printSites(
  { contenders, inFlight, rounds, sites }: AllocationSettings,
  samples: readonly AllocationSample[],
): void {
  for (const at of inFlight) {
    for (const contender of contenders) {
      const sample = samplesOf(samples, contender, at)[rounds - 1] as AllocationSample;
      for (const [side, found] of [
        ['client', sample.clientSites],
        ['server', sample.serverSites],
      ] as const) {
        const sum = found.reduce((bytes, site) => bytes + site.bytes, 0);
        console.log(`\n${titles[contender]}, ${at} in flight, ${side}: ${fixed(sum, 1)} B by call, sampled\n`);
        const rows = found.slice(0, sites).map(({ place, bytes }) => [place, fixed(bytes, 1)]);
        console.log(table([['function', 'B/call'], ...rows], 1));
      }
    }
  }
}
