/** The samples of `bench -- rivals` by rival and case, their medians, and ratios between two rivals of the same round. */
import { type Figures, problemOf } from '../measure.js';
import { type Figure, median, medians } from '../report/statistics.js';
import type { RivalCase, RivalSample } from './run.js';

export class RivalFigures {
  constructor(private readonly samples: readonly RivalSample[]) {}

  /** One a round, in the order of the rounds; none when the rival does not do this. */
  of(rival: string, { workload, inFlight }: RivalCase): RivalSample[] {
    return this.samples.filter(
      (sample) => sample.rival === rival && sample.workload === workload && sample.inFlight === inFlight,
    );
  }

  /** What makes the rival's figures of this case worthless, or null. */
  problem(rival: string, one: RivalCase): string | null {
    for (const sample of this.of(rival, one)) {
      const problem = problemOf(sample);
      if (problem !== null) return `round ${sample.round}: ${problem}`;
    }
    return null;
  }

  /** Null without samples, or with one that went wrong: such figures are not shown. */
  medians(rival: string, one: RivalCase): Figures | null {
    return this.isRight(rival, one) ? medians(this.of(rival, one)) : null;
  }

  /** Median of the rounds' ratios a/b; null when one of the two has no figures. */
  ratio(a: string, b: string, one: RivalCase, figure: Figure): number | null {
    if (!this.isRight(a, one) || !this.isRight(b, one)) return null;
    const others = new Map(this.of(b, one).map((sample) => [sample.round, sample]));
    const ratios = this.of(a, one).flatMap((sample) => {
      const other = others.get(sample.round);
      return other === undefined ? [] : [sample[figure] / other[figure]];
    });
    return ratios.length === 0 ? null : median(ratios);
  }

  private isRight(rival: string, one: RivalCase): boolean {
    return this.of(rival, one).length > 0 && this.problem(rival, one) === null;
  }
}
