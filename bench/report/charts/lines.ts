/** Lines in panels: how one thing changes with another. Each line carries its name at its end; both axes are logarithmic or named steps. */
import { footer } from './bars.js';
import { Drawing, lookOf, textWidth } from './drawing.js';
import { logScale, short } from './scale.js';

export interface LineSeries {
  /** At the line's end; empty for none. */
  readonly label: string;
  /** For `lookOf`; 0 is the engine's. */
  readonly look: number;
  /** x, y. */
  readonly points: readonly (readonly [number, number])[];
}

export interface LinePanel {
  readonly title: string;
  /** Below the axis; empty where the title says it. */
  readonly xTitle: string;
  /** Places on the x axis that are named, by their value. */
  readonly xTicks: readonly (readonly [number, string])[];
  /** `steps`: places at equal distances, in the order of `xTicks`. */
  readonly xScale: 'log' | 'steps';
  readonly series: readonly LineSeries[];
}

export interface LineChart {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  /** Panels beside each other before a new line begins. */
  readonly columns: number;
  readonly panelHeight: number;
  readonly panels: readonly LinePanel[];
}

const WIDTH = 880;
const MARGIN = 20;
const GAP = 26;
const AXIS = 44;
const SMALL = 11;
const LABEL_STEP = 13;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function lineChart(chart: LineChart): string {
  const { name, title, description, columns, panelHeight, panels } = chart;
  const drawing = new Drawing(name, title, description, WIDTH);
  drawing.text(MARGIN, 30, title, { size: 16, look: 'strong' });
  const width = (WIDTH - 2 * MARGIN - GAP * (columns - 1)) / columns;
  const step = panelHeight + 84;
  for (const [index, panel] of panels.entries()) {
    const left = MARGIN + (index % columns) * (width + GAP);
    const top = 72 + Math.floor(index / columns) * step;
    drawing.text(left, top - 14, panel.title, { look: 'strong' });
    const labels = Math.max(...panel.series.map(({ label }) => (label === '' ? 0 : textWidth(label, SMALL) + 10)), 8);
    drawPanel(drawing, panel, { left: left + AXIS, right: left + width - labels, top, bottom: top + panelHeight });
  }
  const bottom = 72 + Math.ceil(panels.length / columns) * step;
  return drawing.svg(footer(drawing, chart.source, bottom - 14));
}

function drawPanel(drawing: Drawing, panel: LinePanel, box: Box): void {
  const { left, right, top, bottom } = box;
  const points = panel.series.flatMap((series) => series.points);
  if (points.length === 0) return;
  const y = logScale(
    points.map((point) => point[1]),
    bottom,
    top,
    6,
  );
  for (const tick of y.ticks) {
    drawing.line(
      [
        [left, y.at(tick)],
        [right, y.at(tick)],
      ],
      'grid',
    );
    drawing.text(left - 6, y.at(tick) + 4, short(tick), { anchor: 'end', size: SMALL, look: 'quiet' });
  }
  const x = xPlaces(panel, left + 8, right - 8);
  let free = Number.NEGATIVE_INFINITY;
  for (const [value, label] of panel.xTicks) {
    const half = textWidth(label, SMALL) / 2;
    if (x(value) - half < free) continue;
    free = x(value) + half + 4;
    drawing.text(x(value), bottom + 17, label, { anchor: 'middle', size: SMALL, look: 'quiet' });
  }
  drawing.text((left + right) / 2, bottom + 34, panel.xTitle, { anchor: 'middle', size: SMALL, look: 'quiet' });
  const ends: Label[] = [];
  // The engine's line last, above the others.
  for (const { label, look, points: own } of panel.series.toSorted((a, b) => b.look - a.look)) {
    const places = own.map((point) => [x(point[0]), y.at(point[1])] as const);
    const last = places.at(-1);
    if (last === undefined) continue;
    drawing.line(places, `line line-${lookOf(look)}`);
    for (const place of places) drawing.dot(place[0], place[1], `dot-${lookOf(look)}`);
    if (label !== '') ends.push({ label, y: last[1], look });
  }
  for (const end of apart(ends, top, bottom)) {
    drawing.text(right + 6, end.y + 4, end.label, { size: SMALL, look: `dot-${lookOf(end.look)} strong` });
  }
}

function xPlaces(panel: LinePanel, from: number, to: number): (value: number) => number {
  const values = panel.xTicks.map(([value]) => value);
  if (panel.xScale === 'steps') {
    const step = (to - from) / Math.max(1, values.length - 1);
    return (value) => from + values.indexOf(value) * step;
  }
  const low = Math.log(Math.min(...values));
  const span = Math.log(Math.max(...values)) - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((Math.log(value) - low) / span) * (to - from));
}

interface Label {
  readonly label: string;
  readonly y: number;
  readonly look: number;
}

/** Moves labels that would touch: downwards from the top, then up again what went beyond the bottom. */
export function apart(labels: readonly Label[], top: number, bottom: number): Label[] {
  const sorted = labels.toSorted((a, b) => a.y - b.y).map((label) => ({ ...label }));
  let least = top;
  for (const label of sorted) {
    label.y = Math.max(label.y, least);
    least = label.y + LABEL_STEP;
  }
  let most = bottom + LABEL_STEP;
  for (const label of sorted.toReversed()) {
    label.y = Math.min(label.y, most);
    most = label.y - LABEL_STEP;
  }
  return sorted;
}
