/** From values to places: logarithmic axes, their ticks, and short texts for numbers. */

export interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

const PER_DECADE = [1, 2, 5];
const TICKS_MIN = 3;

/** A logarithmic axis over all values, from tick to tick. `from` is the place of the least. Values must be above zero. */
export function logScale(values: readonly number[], from: number, to: number, ticksMax = 7): Scale {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const decades: number[] = [];
  for (let power = Math.floor(Math.log10(least)); ; power++) {
    decades.push(10 ** power);
    if (10 ** power >= most) break;
  }
  if (decades.length === 1) decades.push((decades[0] as number) * 10);
  let ticks = decades;
  if (decades.length <= TICKS_MIN) {
    const fine = decades.slice(0, -1).flatMap((decade) => PER_DECADE.map((step) => decade * step));
    fine.push(decades.at(-1) as number);
    const first = fine.findLastIndex((tick) => tick <= least);
    const last = fine.findIndex((tick) => tick >= most);
    ticks = fine.slice(first, Math.max(last, first + 1) + 1);
  }
  const low = Math.log(ticks[0] as number);
  const span = Math.log(ticks.at(-1) as number) - low;
  const every = Math.ceil(ticks.length / ticksMax);
  return {
    ticks: ticks.filter((_, index) => index % every === 0),
    at: (value) => from + ((Math.log(value) - low) / span) * (to - from),
  };
}

/** An axis from zero, for what is to be compared by length. */
export function linearScale(most: number, from: number, to: number): Scale {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => most / size <= 6) ?? 2 * power;
  const count = Math.ceil(most / step);
  return {
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
    at: (value) => from + (value / (count * step)) * (to - from),
  };
}

const UNITS = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
] as const;

/** Three digits and a unit: 1,234,567 as `1.23 M`. */
export function short(value: number): string {
  for (const [unit, name] of UNITS) {
    // What would be rounded to the unit is of the unit.
    if (value >= unit * 0.9995) return digits(value / unit) + name;
  }
  return digits(value);
}

const BINARY_UNITS = [
  [2 ** 20, ' MiB'],
  [2 ** 10, ' KiB'],
] as const;

/** 65,536 as `64 KiB`. */
export function shortBytes(value: number): string {
  for (const [unit, name] of BINARY_UNITS) {
    if (value >= unit) return digits(value / unit) + name;
  }
  return digits(value);
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
