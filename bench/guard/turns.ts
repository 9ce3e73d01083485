/**
 * Two sides in turns: base head, head base, base head ... so that a machine that gets slower or faster meanwhile treats both alike.
 * Ends as soon as a look decides, and after the last look in any case.
 */
import { type Decision, decide } from './verdict.js';

export type SideName = 'base' | 'head';

/** One run of a side: what it cost, and what makes it worthless, or null. */
export interface Run {
  readonly sumUs: number;
  readonly perSecond: number;
  readonly problem: string | null;
}

export interface Turns {
  readonly decision: Decision;
  readonly base: readonly Run[];
  readonly head: readonly Run[];
}

/** `looks`: numbers of rounds, rising. Fails at the first run that is worthless: nothing can be said by the others then. */
export async function takeTurns(
  looks: readonly number[],
  run: (side: SideName, round: number) => Promise<Run>,
): Promise<Turns> {
  const runs: Record<SideName, Run[]> = { base: [], head: [] };
  for (let round = 0; ; round++) {
    const order: readonly SideName[] = round % 2 === 0 ? ['base', 'head'] : ['head', 'base'];
    for (const side of order) {
      const result = await run(side, round);
      if (result.problem !== null) throw new Error(`${side}: ${result.problem}`);
      runs[side].push(result);
    }
    if (!looks.includes(round + 1)) continue;
    const ratios = runs.head.map(({ sumUs }, index) => sumUs / (runs.base[index] as Run).sumUs);
    const decision = decide(ratios, looks.length);
    if (decision.verdict !== 'undecided' || round + 1 === looks.at(-1)) return { decision, ...runs };
  }
}
