/** The table of `floor`, and which of the project's targets were met. Losses are printed like wins. */
import { type ContenderName, titles } from '../contenders/names.js';
import type { Sample } from '../measure.js';
import { medians, ratio, samplesOf } from './statistics.js';
import { fixed, table, whole } from './table.js';

export function comparisonTable(
  samples: readonly Sample[],
  contenders: readonly ContenderName[],
  inFlight: readonly number[],
): string {
  const rows = [
    [
      'in flight',
      'program',
      'calls/s',
      'client us',
      'server us',
      'CPU us/call',
      'engine: CPU x',
      'calls/s x',
      'engine',
    ],
  ];
  for (const calls of inFlight) {
    const engine = samplesOf(samples, 'engine', calls);
    for (const [index, contender] of contenders.entries()) {
      const own = samplesOf(samples, contender, calls);
      const { perSecond, clientUs, serverUs, sumUs } = medians(own);
      const figures = [whole(perSecond), fixed(clientUs, 2), fixed(serverUs, 2), fixed(sumUs, 2)];
      const against = contender === 'engine' || engine.length === 0 ? ['', '', ''] : contest(engine, own);
      rows.push([index === 0 ? String(calls) : '', titles[contender], ...figures, ...against]);
    }
  }
  return table(rows, 2);
}

/** The engine's ratios to a rival, and who won. */
function contest(engine: readonly Sample[], rival: readonly Sample[]): string[] {
  const cpu = ratio(engine, rival, 'sumUs');
  const speed = ratio(engine, rival, 'perSecond');
  const result = cpu <= 1 ? (speed >= 1 ? 'won' : 'lost calls/s') : speed >= 1 ? 'lost CPU' : 'lost';
  return [fixed(cpu, 3), fixed(speed, 3), result];
}

/** What the engine is to cost and to do beside another, at so many calls in flight. */
interface Target {
  readonly rival: ContenderName;
  readonly inFlight: number;
  readonly figure: 'sumUs' | 'perSecond';
  /** CPU per call at most, calls/s at least so many times the rival's. */
  readonly bound: number;
}

const targets: readonly Target[] = [
  { rival: 'floor', inFlight: 64, figure: 'sumUs', bound: 0.9 },
  { rival: 'floor', inFlight: 512, figure: 'sumUs', bound: 0.85 },
  { rival: 'floor', inFlight: 512, figure: 'perSecond', bound: 1.05 },
  { rival: 'avsc-rpc', inFlight: 512, figure: 'perSecond', bound: 8 },
  { rival: 'avsc-rpc-corked', inFlight: 512, figure: 'perSecond', bound: 8 },
];

/** The targets that these samples can judge. */
export function targetLines(samples: readonly Sample[]): string[] {
  return targets.flatMap(({ rival, inFlight, figure, bound }) => {
    const engine = samplesOf(samples, 'engine', inFlight);
    const other = samplesOf(samples, rival, inFlight);
    if (engine.length === 0 || other.length === 0) return [];
    const value = ratio(engine, other, figure);
    const met = figure === 'sumUs' ? value <= bound : value >= bound;
    const what = figure === 'sumUs' ? 'CPU per call' : 'calls/s';
    const text = `${what} at ${inFlight} in flight at ${figure === 'sumUs' ? 'most' : 'least'} ${bound} x ${titles[rival]}`;
    return [`target ${met ? 'met' : 'MISSED'}: ${text}: ${fixed(value, 3)}`];
  });
}
