/** Charts: axes, short numbers, labels that do not touch, and nothing drawn beyond the paper. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BarChart, barChart } from '../../bench/report/charts/bars.js';
import { lookOf, wrapped } from '../../bench/report/charts/drawing.js';
import { apart, type LineChart, lineChart } from '../../bench/report/charts/lines.js';
import { linearScale, logScale, short, shortBytes } from '../../bench/report/charts/scale.js';

test('a logarithmic axis runs from a round number to a round number', () => {
  const wide = logScale([3, 40_000], 0, 100);
  assert.equal(wide.ticks, [1, 10, 100, 1000, 10_000, 100_000]);
  assert.is(wide.at(1), 0);
  assert.ok(Math.abs(wide.at(100_000) - 100) < 1e-9 && Math.abs(wide.at(100) - 40) < 1e-9);
  assert.equal(logScale([30, 400], 0, 100).ticks, [20, 50, 100, 200, 500]);
  assert.equal(logScale([7], 0, 100).ticks, [5, 10]);
  assert.equal(
    logScale([0.02, 0.09], 0, 1).ticks.map((tick) => Number(tick.toPrecision(2))),
    [0.02, 0.05, 0.1],
  );
});

test('an axis from zero ends at or above the most', () => {
  for (const most of [0.3, 1, 7, 99, 100, 12_345, 3_100_000]) {
    const { ticks, at } = linearScale(most, 0, 100);
    assert.is(ticks[0], 0);
    assert.ok((ticks.at(-1) ?? 0) >= most * 0.999_999 && ticks.length <= 8, `${most}: ${ticks}`);
    assert.ok(at(most) <= 100.000_1 && at(most) > 50, `${most}: ${at(most)}`);
  }
});

test('numbers are short', () => {
  assert.equal([0.0123, 7, 999.4, 999.9, 1234, 999_900, 1_234_567].map(short), [
    '0.0123',
    '7',
    '999',
    '1 k',
    '1.23 k',
    '1 M',
    '1.23 M',
  ]);
  assert.equal([16, 4096, 65_536, 4_194_304].map(shortBytes), ['16', '4 KiB', '64 KiB', '4 MiB']);
});

test('long texts are put into lines', () => {
  assert.equal(wrapped('one two three', 40, 10), ['one', 'two', 'three']);
  assert.equal(wrapped('one two three', 1000, 10), ['one two three']);
});

test('labels that would touch move apart and stay in their box', () => {
  const at = (ys: readonly number[]): number[] =>
    apart(
      ys.map((y) => ({ label: '', y, look: 0 })),
      0,
      100,
    ).map(({ y }) => y);
  for (const ys of [
    [50, 50, 50],
    [0, 1, 2],
    [99, 100, 100, 98],
    [10, 90],
    [100, 0, 50, 51],
  ]) {
    const moved = at(ys);
    for (let index = 1; index < moved.length; index++) {
      assert.ok((moved[index] as number) - (moved[index - 1] as number) >= 12.9, `${ys}: ${moved}`);
    }
    assert.ok(Math.min(...moved) >= 0 && Math.max(...moved) <= 113, `${ys}: ${moved}`);
  }
  assert.equal(at([10, 90]), [10, 90]);
});

test("nobody else has the engine's look", () => {
  const looks = Array.from({ length: 20 }, (_, index) => lookOf(index));
  assert.is(looks.filter((look) => look === 0).length, 1);
  assert.ok(Math.max(...looks) <= 6);
});

/** Where texts are: left, right, and the line they stand on. */
function textsOf(svg: string): { left: number; right: number; y: number; text: string }[] {
  const found = svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)" font-size="(\d+)" text-anchor="(\w+)"[^>]*>([^<]*)</g);
  return [...found].map(([, x, y, size, anchor, text = '']) => {
    const width = text.replace(/&#\d+;/g, '_').length * Number(size) * 0.52;
    const left = Number(x) - { start: 0, middle: 0.5, end: 1 }[anchor as 'start' | 'middle' | 'end'] * width;
    return { left, right: left + width, y: Number(y), text };
  });
}

function assertLegible(svg: string): void {
  const texts = textsOf(svg);
  const [, , width = '', height = ''] = /viewBox="(\d+) \d+ (\d+) ([\d.]+)"/.exec(svg)?.slice(0) ?? [];
  assert.ok(texts.length > 10);
  for (const [index, a] of texts.entries()) {
    assert.ok(a.left >= 0 && a.right <= Number(width) && a.y < Number(height), `${a.text} leaves the paper`);
    for (const b of texts.slice(index + 1)) {
      const apartFrom = Math.abs(a.y - b.y) >= 10 || a.right <= b.left || b.right <= a.left;
      assert.ok(apartFrom, `${a.text} and ${b.text} touch`);
    }
  }
}

const bars: BarChart = {
  name: 'a',
  title: 'Calls',
  description: 'Bars',
  source: 'Measured at some time on a machine of which there is a lot to say. '.repeat(4).trim(),
  scale: 'log',
  panels: ['1 in flight', '64 in flight', '512 in flight'],
  rows: Array.from({ length: 18 }, (_, index) => ({
    label: `contender number ${index}`,
    kind: (['engine', 'rival', 'floor'] as const)[index % 3] ?? 'rival',
    values: [1000 + index, index === 5 ? null : 10 ** (index / 3), 1_234_567 / (index + 1)],
  })),
};

test('bars: no text touches another or leaves the paper, and nothing measured is nothing drawn', () => {
  assertLegible(barChart(bars));
  assertLegible(barChart({ ...bars, scale: 'linear', panels: ['items/s'] }));
  assert.is(barChart(bars).match(/not measured/g)?.length, 1);
  const drawn = barChart(bars).match(/class="bar-/g)?.length;
  assert.is(drawn, 18 * 3 - 1 + 3);
});

test('lines: no text touches another or leaves the paper, with many lines that end alike', () => {
  const series = Array.from({ length: 12 }, (_, look) => ({
    label: `contender ${look}`,
    look,
    points: [0, 1, 2, 3, 4].map((x) => [x, 100 * 3 ** x + look] as const),
  }));
  const xTicks = ['p50', 'p90', 'p99', 'p99.9', 'p99.99'].map((name, index) => [index, name] as const);
  const panel = { title: 'A panel', xTitle: 'percentile', xTicks, xScale: 'steps' as const, series };
  const chart: LineChart = {
    ...bars,
    columns: 2,
    panelHeight: 250,
    panels: [panel, { ...panel, series: series.slice(0, 1) }],
  };
  assertLegible(lineChart(chart));
  const crowded = [1, 8, 64, 512, 1024, 4096].map((value) => [value, value.toLocaleString('en-US')] as const);
  const growing = [{ label: 'µs/call', look: 0, points: crowded.map(([value]) => [value, 1 / value] as const) }];
  const small = { title: 'Small', xTitle: '', xTicks: crowded, xScale: 'log' as const, series: growing };
  assertLegible(lineChart({ ...chart, columns: 3, panelHeight: 170, panels: [small, small, small, small] }));
});

test.run();
