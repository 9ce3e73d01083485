/**
 * `bench -- guard-cost`: what bounded decoding costs on the canonical record. Measured in two ways: the time of one decode with
 * and without guards, in one process, in small turns; and whole calls of the engine with either decoder. A call decodes twice,
 * once on each side, so the first difference counts double. The first is far less noisy and gives the verdict; the second must
 * not contradict it.
 */

import { problemOf } from '../measure.js';
import { timeGuards } from '../micro/guards.js';
import { command, common, option } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { medians, ratio, samplesOf } from '../report/statistics.js';
import { fixed } from '../report/table.js';
import { compare, type FloorSettings } from './floor.js';

export interface GuardCostSettings {
  /** Turns of the two decoders in one process. */
  readonly turns: number;
  readonly calls: FloorSettings;
}

const IN_FLIGHT = 512;
const DECODES_PER_CALL = 2;
const SHARE_MAX = 0.05;

const options = {
  rounds: common.rounds(3),
  seconds: common.seconds(3),
  turns: option.whole('COUNT', 400, 1, 'turns of decoding with and without guards'),
} as const;

export const guardCostCommand = command('guard-cost', 'what bounded decoding costs', options, async (values) => {
  const settings = guardCostSettings(values.turns, values.rounds, values.seconds, 1.5);
  console.log(`${environmentText(describeEnvironment(settings.calls.pinning.text))}\n`);
  const share = await guardShare(settings);
  if (share === null) return 1;
  const met = share <= SHARE_MAX;
  console.log(`target ${met ? 'met' : 'MISSED'}: guards cost at most ${SHARE_MAX * 100} % of CPU per call`);
  return met ? 0 : 1;
});

export function guardCostSettings(
  turns: number,
  rounds: number,
  seconds: number,
  warmUpSeconds: number,
): GuardCostSettings {
  const contenders = ['engine', 'engine-unguarded'] as const;
  const pinning = findPinning();
  const calls = {
    contenders,
    inFlight: [IN_FLIGHT],
    rounds,
    seconds,
    warmUpSeconds,
    handler: 'sync',
    pinning,
    profileFolder: null,
  } as const;
  return { turns, calls };
}

/** Prints the figures and returns the guards' share of CPU per call, or null when an answer was wrong. */
export async function guardShare({ turns, calls }: GuardCostSettings): Promise<number | null> {
  const { guardedNs, unguardedNs, differenceNs } = timeGuards(turns);
  console.log(
    `one decode: ${fixed(guardedNs, 1)} ns, without guards ${fixed(unguardedNs, 1)} ns, difference ${fixed(differenceNs, 1)} ns`,
  );
  const samples = await compare(calls);
  const problem = samples.map(problemOf).find((text) => text !== null);
  if (problem !== undefined) {
    console.log(`FAILED: ${problem}`);
    return null;
  }
  const guarded = samplesOf(samples, 'engine', IN_FLIGHT);
  const unguarded = samplesOf(samples, 'engine-unguarded', IN_FLIGHT);
  const { sumUs } = medians(guarded);
  const share = (DECODES_PER_CALL * differenceNs) / 1000 / sumUs;
  console.log(
    `one call at ${IN_FLIGHT} in flight: ${fixed(sumUs, 3)} us of CPU, without guards ${fixed(medians(unguarded).sumUs, 3)} us ` +
      `(ratio ${fixed(ratio(guarded, unguarded, 'sumUs'), 3)}, with the noise of whole runs)`,
  );
  console.log(`guards' share of CPU per call: ${fixed(share * 100, 2)} %`);
  return share;
}
