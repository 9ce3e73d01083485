/** Medians, and the figures of one contender at one load over all rounds. */
import type { ContenderName } from '../contenders/names.js';
import type { Figures, Sample } from '../measure.js';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export type Figure = keyof Figures;

/** The samples of one contender at one load, one a round, in the order of the rounds. */
export function samplesOf(samples: readonly Sample[], contender: ContenderName, inFlight: number): Sample[] {
  return samples.filter((sample) => sample.contender === contender && sample.inFlight === inFlight);
}

export function medians(samples: readonly Figures[]): Figures {
  const of = (figure: Figure): number => median(samples.map((sample) => sample[figure]));
  return {
    perSecond: of('perSecond'),
    clientUs: of('clientUs'),
    serverUs: of('serverUs'),
    sumUs: of('sumUs'),
  };
}

/**
 * Median of the rounds' ratios a/b. The two runs of a round are neighbours in time, so a machine that changes its speed between
 * the rounds changes it less.
 */
export function ratio(a: readonly Figures[], b: readonly Figures[], figure: Figure): number {
  const rounds = Math.min(a.length, b.length);
  return median(Array.from({ length: rounds }, (_, i) => (a[i] as Figures)[figure] / (b[i] as Figures)[figure]));
}
