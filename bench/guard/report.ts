/** Prints the guard's turns. */
import { fixed, whole } from '../report/table.js';
import { type GuardWorkloadName, guardWorkloads } from './names.js';
import { type Measure, type MeasureResult, measures, type TurnCosts, type Turns } from './turns.js';
import { CONFIDENCE, type Decision } from './verdict.js';

export const turnsHead = ['workload', 'measure', 'base', 'head', 'head x', 'interval', 'turns', 'verdict'];

const titles: Readonly<Record<Measure, string>> = { cpuUs: 'CPU us', heapBytes: 'heap B', bufferBytes: 'buffer B' };
const losses: Readonly<Record<Measure, string>> = {
  cpuUs: 'slower',
  heapBytes: 'allocates more',
  bufferBytes: 'allocates more',
};

export function turnsRows(name: GuardWorkloadName, { results }: Turns, bound: number): string[][] {
  const { unit } = guardWorkloads[name];
  return results.map(({ measure, base, head, decision }, index) => {
    const costs = [index === 0 ? name : '', `${titles[measure]}/${unit}`, amount(base), amount(head)];
    if (decision === null) return [...costs, '', '', '', 'next to nothing'];
    const { estimate, interval, turns } = decision;
    const span = Number.isFinite(interval.high)
      ? `${fixed(interval.low, 3)} to ${fixed(interval.high, 3)}`
      : 'too few turns';
    return [...costs, fixed(estimate, 3), span, whole(turns), verdictText(measure, decision, bound)];
  });
}

/** The ratios of one turn: `head x: CPU us 1.012, heap B 0.998, buffer B 1.000`. */
export function turnText({ base, head }: TurnCosts): string {
  return `head x: ${measures.map((measure) => `${titles[measure]} ${fixed(head[measure] / base[measure], 3)}`).join(', ')}`;
}

/** `within 2 % at 95 %`, `slower: +3.1 % (2.2 to 4.0)`, `undecided: needs more turns`. */
export function verdictText(measure: Measure, { verdict, estimate, interval }: Decision, bound: number): string {
  if (verdict === 'within') return `within ${percent(bound, 0)} % at ${percent(CONFIDENCE, 0)} %`;
  if (verdict === 'undecided') return 'undecided: needs more turns';
  const span = `${percent(interval.low - 1, 1)} to ${percent(interval.high - 1, 1)}`;
  return `${losses[measure]}: +${percent(estimate - 1, 1)} % (${span})`;
}

/** One line for each measure of that verdict: `unary-64 CPU us/call`. */
export function named(
  turns: Readonly<Partial<Record<GuardWorkloadName, Turns>>>,
  verdict: Decision['verdict'],
): string[] {
  return Object.entries(turns).flatMap(([name, { results }]) =>
    results
      .filter(({ decision }: MeasureResult) => decision?.verdict === verdict)
      .map(({ measure }) => `${name} ${titles[measure]}`),
  );
}

function percent(share: number, digits: number): string {
  const value = share * 100;
  return fixed(value, Number.isInteger(Number(value.toFixed(9))) ? 0 : digits === 0 ? 1 : digits);
}

function amount(value: number): string {
  return value >= 100 ? whole(value) : fixed(value, 3);
}
