/** Bar charts in adjacent panels that share their rows: the contenders' figures in several cases. */
import { Drawing, type Kind, textWidth, wrapped } from './drawing.js';
import { linearScale, logScale, type Scale, short } from './scale.js';

export interface BarRow {
  readonly label: string;
  readonly kind: Kind;
  /** One a panel; null where there is none, and why. */
  readonly values: readonly (number | null)[];
}

export interface BarChart {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** When, on what and from what it was measured. */
  readonly source: string;
  /** `linear` begins at zero, so that lengths can be compared; `log` begins somewhere and shows what is a thousand times as much. */
  readonly scale: 'linear' | 'log';
  readonly panels: readonly string[];
  readonly rows: readonly BarRow[];
}

const WIDTH = 880;
const MARGIN = 20;
const ROW_HEIGHT = 21;
const BAR_HEIGHT = 13;
const PANEL_GAP = 18;
const SMALL = 11;

export function barChart(chart: BarChart): string {
  const { name, title, description, panels, rows } = chart;
  const drawing = new Drawing(name, title, description, WIDTH);
  drawing.text(MARGIN, 30, title, { size: 16, look: 'strong' });
  legend(drawing, chart);
  const top = 92;
  const bottom = top + rows.length * ROW_HEIGHT;
  const labels = Math.max(...rows.map(({ label }) => textWidth(label))) + 10;
  const width = (WIDTH - 2 * MARGIN - labels - PANEL_GAP * (panels.length - 1)) / panels.length;
  for (const [index, { label, kind }] of rows.entries()) {
    const style = { anchor: 'end', look: kind === 'engine' ? 'strong' : '' } as const;
    drawing.text(MARGIN + labels - 8, top + index * ROW_HEIGHT + 14, label, style);
  }
  for (const [index, panel] of panels.entries()) {
    const left = MARGIN + labels + index * (width + PANEL_GAP);
    drawing.text(left, top - 10, panel, { look: 'strong' });
    panelBars(drawing, chart, index, { left, top, bottom, width });
  }
  return drawing.svg(footer(drawing, chart.source, bottom + 40));
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
}

function panelBars(drawing: Drawing, chart: BarChart, panel: number, { left, top, bottom, width }: Box): void {
  const { rows } = chart;
  const values = rows.flatMap(({ values: all }) => all[panel] ?? []).filter((value) => value > 0);
  if (values.length === 0) return;
  // Room for the figure behind the longest bar, and something to see of the shortest.
  const room = textWidth('1.23 M', SMALL) + 6;
  const right = left + width - room;
  const scale: Scale =
    chart.scale === 'linear'
      ? linearScale(Math.max(...values), left, right)
      : logScale([Math.min(...values) / 2, ...values], left, right, 4);
  for (const tick of scale.ticks) {
    const x = scale.at(tick);
    drawing.line(
      [
        [x, top - 2],
        [x, bottom + 4],
      ],
      'grid',
    );
    drawing.text(x, bottom + 18, short(tick), { anchor: 'middle', size: SMALL, look: 'quiet' });
  }
  for (const [index, { kind, values: all }] of rows.entries()) {
    const value = all[panel] ?? null;
    const y = top + index * ROW_HEIGHT;
    if (value === null || !(value > 0)) {
      drawing.text(left + 3, y + 14, 'not measured', { size: SMALL, look: 'quiet' });
      continue;
    }
    const end = scale.at(value);
    drawing.rectangle(left, y + 4, end - left, BAR_HEIGHT, `bar-${kind}`);
    drawing.text(end + 5, y + 14.5, short(value), { size: SMALL, look: kind === 'engine' ? 'strong' : '' });
  }
}

const kindTitles: Readonly<Record<Kind, string>> = {
  engine: 'Trunkline',
  rival: 'others',
  floor: 'floors: a measure, not for use',
};

function legend(drawing: Drawing, { rows, scale }: BarChart): void {
  let x = MARGIN;
  for (const kind of ['engine', 'rival', 'floor'] as const) {
    if (!rows.some((row) => row.kind === kind)) continue;
    drawing.rectangle(x, 44, 14, 11, `bar-${kind}`);
    drawing.text(x + 20, 54, kindTitles[kind]);
    x += 20 + textWidth(kindTitles[kind]) + 22;
  }
  const axis = scale === 'log' ? 'logarithmic axes' : 'axis from zero';
  drawing.text(WIDTH - MARGIN, 54, axis, { anchor: 'end', look: 'quiet' });
}

/** Writes where the figures come from. Returns the height of the whole. */
export function footer(drawing: Drawing, source: string, y: number): number {
  const lines = wrapped(source, drawing.width - 2 * MARGIN, SMALL);
  for (const [index, line] of lines.entries()) {
    drawing.text(MARGIN, y + index * 15, line, { size: SMALL, look: 'quiet' });
  }
  return y + lines.length * 15 + 4;
}
