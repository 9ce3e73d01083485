/** What `bench -- scaling` prints: a table for each axis, with a mark where a call costs more than at a smaller value. */
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { type AxisName, axes } from './axes.js';
import { casesOf, type ScalingSample, type ScalingSettings } from './run.js';

/** A cost grows when it is so many times the least at a smaller value: below that, rounds differ by as much. */
const GROWTH_MIN = 1.2;
/** From this length a message's cost is looked at by the byte: below it the call itself is what costs. */
const BY_BYTE_MIN = 4_096;
const MIB = 1024 * 1024;

export interface Point {
  readonly value: number;
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  readonly clientUs: number;
  readonly serverUs: number;
  readonly sumUs: number;
  readonly clientRssBytes: number;
  readonly serverRssBytes: number;
}

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures of that case. */
export function reportScaling(settings: ScalingSettings, samples: readonly ScalingSample[]): number {
  const { rounds, seconds, workUs } = settings;
  console.log(`medians of ${rounds} rounds of ${seconds} s; all answers and items checked\n`);
  let failed = 0;
  for (const axis of settings.axes) {
    console.log(`${axes[axis].title}${axis === 'processes' ? ` for ${workUs} us; nothing pinned` : ''}\n`);
    const points: Point[] = [];
    for (const { value } of casesOf({ ...settings, axes: [axis] })) {
      const own = samples.filter((one) => one.axis === axis && one.value === value);
      const problem = own.find((sample) => sample.problem !== null)?.problem;
      if (problem === undefined) points.push(pointOf(value, own));
      else console.log(`FAILED: ${axis} ${whole(value)}: ${problem}`);
      if (problem !== undefined) failed++;
    }
    console.log(`${axisTable(axis, points)}\n`);
  }
  console.log(
    'CPU us: by call, or by item of a stream, user and system; of all server processes together. MiB/s: of messages, one way. grows: CPU at least\n' +
      `${GROWTH_MIN} x the least at a smaller value, of messages from 4 KiB by the byte.`,
  );
  return failed === 0 ? 0 : 1;
}

function pointOf(value: number, samples: readonly ScalingSample[]): Point {
  const of = (figure: Exclude<keyof Point, 'value'>): number => median(samples.map((sample) => sample[figure]));
  return {
    value,
    perSecond: of('perSecond'),
    bytesPerSecond: of('bytesPerSecond'),
    clientUs: of('clientUs'),
    serverUs: of('serverUs'),
    sumUs: of('sumUs'),
    clientRssBytes: of('clientRssBytes'),
    serverRssBytes: of('serverRssBytes'),
  };
}

function axisTable(axis: AxisName, points: readonly Point[]): string {
  const { unit } = axes[axis];
  const head = [
    axis,
    `${unit}/s`,
    'MiB/s',
    'client us',
    'server us',
    'CPU us',
    'ns/byte',
    'client RSS MiB',
    'server RSS MiB',
    '',
  ];
  const rows = points.map((point, index) => {
    const { value, perSecond, bytesPerSecond, clientUs, serverUs, sumUs, clientRssBytes, serverRssBytes } = point;
    const growth = growthOf(axis, points.slice(0, index + 1));
    return [
      whole(value),
      whole(perSecond),
      fixed(bytesPerSecond / MIB, 1),
      fixed(clientUs, 2),
      fixed(serverUs, 2),
      fixed(sumUs, 2),
      fixed(nsPerByte(point), 2),
      whole(clientRssBytes / MIB),
      whole(serverRssBytes / MIB),
      growth === null ? '' : `grows: ${fixed(growth, 2)} x`,
    ];
  });
  return table([head, ...rows], 0);
}

function nsPerByte({ perSecond, bytesPerSecond, sumUs }: Point): number {
  return (sumUs * 1_000 * perSecond) / bytesPerSecond;
}

/** By how much the last point's cost is above the least before it; null where it does not grow. Points come in ascending order. */
export function growthOf(axis: AxisName, points: readonly Point[]): number | null {
  const last = points.at(-1) as Point;
  const byByte = axis === 'messageBytes';
  if (byByte && last.value < BY_BYTE_MIN) return null;
  const before = points.slice(0, -1).filter(({ value }) => !byByte || value >= BY_BYTE_MIN);
  if (before.length === 0) return null;
  const cost = byByte ? nsPerByte : ({ sumUs }: Point): number => sumUs;
  const growth = cost(last) / Math.min(...before.map(cost));
  return growth >= GROWTH_MIN ? growth : null;
}
