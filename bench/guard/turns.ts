/**
 * Turns of two commits until every measure is decided, the last look is taken or the time is used up. What one turn does is in `turn.ts`.
 */
import { median } from '../report/statistics.js';
import { type Decision, decide } from './verdict.js';

export type SideName = 'base' | 'head';

/** What one side cost in one turn, by unit (call, item or MB), server and client together. */
export interface Cost {
  readonly cpuUs: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

export type Measure = keyof Cost;

export type TurnCosts = Readonly<Record<SideName, Cost>>;

export const measures: readonly Measure[] = ['cpuUs', 'heapBytes', 'bufferBytes'];

/** How far apart two commits may be, and how long to look. */
export interface TurnsPlan {
  /** 0.02 allows 2 %. */
  readonly bound: number;
  /** Numbers of turns, rising. */
  readonly looks: readonly number[];
  /** The moment, in milliseconds of `performance.now()`, after which no more turns begin. */
  readonly untilMs: number;
}

export interface MeasureResult {
  readonly measure: Measure;
  /** Medians of the turns. */
  readonly base: number;
  readonly head: number;
  /** Null: both sides allocate next to nothing, and nothing is judged. */
  readonly decision: Decision | null;
}

export interface Turns {
  readonly costs: readonly TurnCosts[];
  readonly results: readonly MeasureResult[];
}

/** Bytes by unit below which an allocation is not judged: its ratio would be that of two accidents. */
const LEAST_BYTES = 16;

/** Rejects at the first turn that fails: the others would say nothing then. */
export async function takeTurns(
  plan: TurnsPlan,
  turn: (index: number) => Promise<TurnCosts>,
  now: () => number = () => performance.now(),
): Promise<Turns> {
  const { looks, untilMs } = plan;
  const costs: TurnCosts[] = [];
  for (;;) {
    costs.push(await turn(costs.length));
    const over = costs.length === looks.at(-1) || now() >= untilMs;
    if (!over && !looks.includes(costs.length)) continue;
    const results = resultsOf(costs, plan);
    if (over || results.every(({ decision }) => decision?.verdict !== 'undecided')) return { costs, results };
  }
}

function resultsOf(costs: readonly TurnCosts[], { bound, looks }: TurnsPlan): MeasureResult[] {
  return measures.map((measure) => {
    const base = median(costs.map((turn) => turn.base[measure]));
    const head = median(costs.map((turn) => turn.head[measure]));
    const judged = measure === 'cpuUs' || Math.max(base, head) >= LEAST_BYTES;
    const ratios = costs.map((turn) => turn.head[measure] / turn.base[measure]);
    return { measure, base, head, decision: judged ? decide(ratios, looks.length, bound) : null };
  });
}
