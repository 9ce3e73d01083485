/**
 * `bench -- smoke`: runs every command briefly, so that none of them breaks unnoticed. It verifies what they verify (answers, decoded
 * records, found frames) and judges no figure, since it is too short for that.
 */

import { latencyContenders } from '../latency/contenders.js';
import { reportLatencies } from '../latency/report.js';
import { measureLatencies } from '../latency/run.js';
import { smokeLimit } from '../limit/smoke.js';
import { problemOf } from '../measure.js';
import { command } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import { probe } from '../rivals/probe.js';
import { compareRivals, type RivalSettings } from '../rivals/run.js';
import { reportScaling } from '../scaling/report.js';
import { measureScaling, type ScalingSettings } from '../scaling/run.js';
import { measureAllocations, reportAllocations } from './allocation.js';
import { blobContenders, reportBlobs } from './blob.js';
import { checksumContenders, reportChecksums } from './checksums.js';
import { compare, type FloorSettings, report } from './floor.js';
import { guard, guardCounts, root } from './guard.js';
import { guardCostSettings, guardShare } from './guard-cost.js';
import { observe, problemIn } from './memory.js';
import { micro } from './micro.js';
import { type MixSettings, mix, reportMix } from './mix.js';
import { overload } from './overload.js';
import { measurePath, pathTable } from './path.js';
import { chosenRivals, reportRivals } from './rivals.js';
import { reportRoundTrips, roundTripContenders, takeRounds } from './round-trip.js';
import { compareStreams, reportStreams, type StreamSettings } from './stream.js';
import { streams } from './streams.js';

const SECONDS = 0.1;
const WARM_UP_SECONDS = 0.05;
const quick = {
  rounds: 1,
  seconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  handler: 'sync',
  profileFolder: null,
} as const;

const smallStreams = {
  streams: 10,
  rounds: 1,
  seconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  callsAtOnce: 100,
  itemsEach: 10,
  slowItems: 20_000,
  judged: false,
} as const;

const smallOverload = {
  factors: [2],
  connections: 4,
  seconds: SECONDS,
  warmUpSeconds: 0.1,
  deadlineMs: 500,
  computeUs: 200,
  judged: false,
} as const;

const smallAllocation = {
  contenders: ['engine', 'floor'],
  inFlight: [64],
  calls: 5_000,
  rounds: 1,
  warmUpSeconds: WARM_UP_SECONDS,
  sites: 3,
  inlining: true,
  judged: false,
} as const;

const smallLatency = {
  others: latencyContenders('avsc-rpc'),
  shares: [0.5],
  rounds: 1,
  seconds: SECONDS,
  othersSeconds: SECONDS,
  peakSeconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  callers: 64,
  outstandingMax: 100,
  judged: false,
} as const;

const smallScaling = {
  axes: ['connections', 'messageBytes', 'streams', 'streamBatches', 'processes'],
  values: [2],
  rounds: 1,
  seconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  workUs: 20,
  profileFolder: null,
} as const;

/** The engine and floors: they need no packages. */
const racers = 'engine,raw-net,engine-bytes,framed-echo';
const smallRace = {
  rounds: 1,
  seconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  workloads: ['unary', 'blob', 'stream'],
  inFlight: [64],
} as const;

const smallMix = {
  inFlight: 64,
  blobBytes: 1024 * 1024,
  rounds: 1,
  quietSeconds: SECONDS,
  warmUpSeconds: WARM_UP_SECONDS,
  judged: false,
} as const;

/** One of each kind of load, in too few turns for a verdict; the other names differ by an argument. */
const smallGuard = {
  workloads: ['endpoints-64', 'stream-for-await', 'blob'],
  bound: 0.02,
  looks: [1],
  minutesMax: 1,
  windows: 1,
  seconds: 0.02,
  warmUpSeconds: WARM_UP_SECONDS,
  counters: null,
} as const;

export const smokeCommand = command('smoke', 'all of it for a moment, to see that it works', {}, smoke);

async function smoke(): Promise<number> {
  const pinning = findPinning();
  console.log(`smoke: ${pinning.text}; the figures below mean nothing\n`);
  const problems: string[] = [];
  const runs: FloorSettings[] = [
    { ...quick, pinning, contenders: ['engine', 'floor'], inFlight: [1, 64] },
    { ...quick, pinning, contenders: ['engine', 'floor'], inFlight: [64], handler: 'async' },
    { ...quick, pinning, contenders: ['engine', 'avsc-rpc', 'avsc-rpc-corked'], inFlight: [64] },
  ];
  for (const settings of runs) {
    const samples = await compare(settings);
    report(settings, samples);
    console.log();
    for (const sample of samples) problems.push(...asList(problemOf(sample)));
  }

  const programs: StreamSettings = {
    rounds: 1,
    seconds: SECONDS,
    warmUpSeconds: WARM_UP_SECONDS,
    profileFolder: null,
    pinning,
    programs: ['floor', 'batches', 'for-await-async'],
  };
  const streamSamples = await compareStreams(programs);
  reportStreams(programs, streamSamples);
  console.log();
  for (const sample of streamSamples) problems.push(...asList(problemOf(sample)));

  problems.push(...(await streams({ ...smallStreams, pinning })).problems);
  console.log();

  const blobs: FloorSettings = { ...quick, pinning, contenders: blobContenders, inFlight: [16] };
  const blobSamples = await compare(blobs);
  reportBlobs(blobs, blobSamples, false);
  console.log();
  for (const sample of blobSamples) problems.push(...asList(problemOf(sample)));

  const summed: FloorSettings = { ...quick, pinning, contenders: checksumContenders(), inFlight: [64] };
  const summedSamples = await compare(summed);
  reportChecksums(summed, summedSamples, false);
  console.log();
  for (const sample of summedSamples) problems.push(...asList(problemOf(sample)));

  problems.push(...(await race(pinning)));
  console.log();

  const mixed: MixSettings = { ...smallMix, pinning };
  const mixRun = await mix(mixed);
  reportMix(mixed, mixRun);
  console.log();
  problems.push(...asList(mixRun.problem));

  const open = { ...smallLatency, pinning };
  const latencies = await measureLatencies(open);
  reportLatencies(open, latencies);
  console.log();
  for (const { calls, wrong, failed, failure } of latencies.samples)
    problems.push(...asList(problemOf({ done: calls, wrong, failed, failure })));

  const growing: ScalingSettings = { ...smallScaling, pinning };
  const scaled = await measureScaling(growing);
  reportScaling(growing, scaled);
  console.log();
  for (const { problem } of scaled) problems.push(...asList(problem));

  const roundTrips = { contenders: roundTripContenders, rounds: 2, callsPerTurn: 50, judged: false, pinning };
  const roundTripRun = await takeRounds(roundTrips);
  reportRoundTrips(roundTrips, roundTripRun);
  console.log();
  problems.push(...asList(roundTripRun.problem));

  problems.push(...(await overload({ ...smallOverload, pinning })).problems);
  console.log();

  problems.push(...(await smokeLimit(pinning)));
  console.log();

  const allocating = { ...smallAllocation, pinning };
  const allocations = await measureAllocations(allocating);
  reportAllocations(allocating, allocations);
  console.log();
  for (const { problem } of allocations) problems.push(...asList(problem));

  const paths = await measurePath({
    inFlight: [64],
    rounds: 1,
    seconds: SECONDS,
    warmUpSeconds: WARM_UP_SECONDS,
    pinning,
  });
  console.log(`${pathTable(paths, [64])}\n`);

  const rows = await observe({ calls: 20_000, every: 10_000, inFlight: 512, pinning });
  console.log(`memory: ${rows.length} marks over 20,000 calls\n`);
  problems.push(...asList(problemIn(rows)));

  if ((await guardShare(guardCostSettings(8, 1, SECONDS, WARM_UP_SECONDS))) === null) problems.push('guard-cost');

  const itself = { folder: root, title: 'the working tree' };
  await guard({ ...smallGuard, pinning }, itself, itself);
  await guardCounts(['unary-64'], { calls: 2000, warmUpCalls: 2000, callgrind: false }, itself, itself);

  console.log();
  await micro({ ms: 10, frameBytes: [64 * 1024, 256 * 1024], judged: false });
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  console.log(problems.length === 0 ? '\nsmoke: all answers right' : '\nsmoke: FAILED');
  return problems.length === 0 ? 0 : 1;
}

async function race(pinning: Pinning): Promise<string[]> {
  const settings: RivalSettings = { ...smallRace, pinning };
  const probed = await probe(chosenRivals(racers));
  const samples = await compareRivals(settings, probed.rivals);
  reportRivals(settings, probed, samples);
  return samples.flatMap((sample) => asList(problemOf(sample)));
}

function asList(problem: string | null): string[] {
  return problem === null ? [] : [problem];
}
