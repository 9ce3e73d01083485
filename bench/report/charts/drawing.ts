/**
 * A drawing as SVG text. Each is one file without anything from elsewhere: it brings its own background and colours for light and dark, so
 * that it can be read wherever it is shown, and a title and a description for those who do not see it.
 */

/** `engine`: what this is about. `rival`: what can be used instead. `floor`: a measure, not to be used. */
export type Kind = 'engine' | 'rival' | 'floor';

export type Anchor = 'start' | 'middle' | 'end';

export interface TextStyle {
  readonly anchor?: Anchor;
  readonly size?: number;
  /** Classes of `STYLE`, such as `strong` or `quiet`. */
  readonly look?: string;
}

export const FONT_SIZE = 12;
/** Mean width of a character of the fonts that `STYLE` asks for, by font size. Generous, so that texts do not touch. */
const CHARACTER_WIDTH = 0.58;

/** Hues of lines, told apart in light and dark; a dash pattern goes with each, for those who see no hues. */
const LINE_LOOKS = 7;

/** The looks of lines by number: 0 is the engine's, and nobody else's however many lines there are. */
export function lookOf(index: number): number {
  return index === 0 ? 0 : 1 + ((index - 1) % (LINE_LOOKS - 1));
}

const STYLE = `
.chart { --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d1d9e0; --engine: #0a5dc2; --rival: #8c6a1f; --floor: #7d8590;
  --l1: #b3420a; --l2: #1a7f37; --l3: #8250df; --l4: #9a6700; --l5: #bf3989; --l6: #1b7c83; }
@media (prefers-color-scheme: dark) { .chart { --paper: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --grid: #3d444d;
  --engine: #58a6ff; --rival: #d4a72c; --floor: #8b949e;
  --l1: #ff8f57; --l2: #57d364; --l3: #bc8cff; --l4: #e3b341; --l5: #ff80c0; --l6: #56d4dd; } }
.chart text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.chart .paper { fill: var(--paper); stroke: var(--grid); }
.chart .quiet { fill: var(--quiet); }
.chart .strong { font-weight: 600; }
.chart .grid { stroke: var(--grid); stroke-width: 1; fill: none; }
.chart .bar-engine { fill: var(--engine); } .chart .bar-rival { fill: var(--rival); }
.chart .bar-floor { fill: none; stroke: var(--floor); stroke-width: 1.5; }
.chart .line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.chart .line-0 { stroke: var(--engine); stroke-width: 3; }
.chart .line-1 { stroke: var(--l1); stroke-dasharray: 7 3; } .chart .line-2 { stroke: var(--l2); stroke-dasharray: 2 3; }
.chart .line-3 { stroke: var(--l3); stroke-dasharray: 9 3 2 3; } .chart .line-4 { stroke: var(--l4); }
.chart .line-5 { stroke: var(--l5); stroke-dasharray: 4 2; } .chart .line-6 { stroke: var(--l6); stroke-dasharray: 12 4; }
.chart .dot-0 { fill: var(--engine); } .chart .dot-1 { fill: var(--l1); } .chart .dot-2 { fill: var(--l2); }
.chart .dot-3 { fill: var(--l3); } .chart .dot-4 { fill: var(--l4); } .chart .dot-5 { fill: var(--l5); }
.chart .dot-6 { fill: var(--l6); }`;

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function textWidth(text: string, size = FONT_SIZE): number {
  return text.length * size * CHARACTER_WIDTH;
}

/** Words put into lines of at most `width`. */
export function wrapped(text: string, width: number, size = FONT_SIZE): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, size) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export class Drawing {
  private readonly parts: string[] = [];

  /** `name` makes the drawing's ids its own where several are in one page. */
  constructor(
    private readonly name: string,
    private readonly title: string,
    private readonly description: string,
    readonly width: number,
  ) {}

  text(x: number, y: number, text: string, style: TextStyle = {}): void {
    const { anchor = 'start', size = FONT_SIZE, look = '' } = style;
    const classes = look === '' ? '' : ` class="${look}"`;
    this.parts.push(
      `<text x="${place(x)}" y="${place(y)}" font-size="${size}" text-anchor="${anchor}"${classes}>${escapeText(text)}</text>`,
    );
  }

  rectangle(x: number, y: number, width: number, height: number, look: string): void {
    this.parts.push(
      `<rect x="${place(x)}" y="${place(y)}" width="${place(width)}" height="${place(height)}" rx="2" class="${look}"/>`,
    );
  }

  line(points: readonly (readonly [x: number, y: number])[], look: string): void {
    const list = points.map(([x, y]) => `${place(x)},${place(y)}`).join(' ');
    this.parts.push(`<polyline points="${list}" class="${look}"/>`);
  }

  dot(x: number, y: number, look: string): void {
    this.parts.push(`<circle cx="${place(x)}" cy="${place(y)}" r="3" class="${look}"/>`);
  }

  /** The whole file. `height`: where the last thing ends. */
  svg(height: number): string {
    const { name, title, description, width, parts } = this;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${place(height)}" width="${width}" height="${place(height)}" role="img" aria-labelledby="${name}-title ${name}-text">`,
      `<title id="${name}-title">${escapeText(title)}</title>`,
      `<desc id="${name}-text">${escapeText(description)}</desc>`,
      `<style>${STYLE}\n</style>`,
      `<rect x="0.5" y="0.5" width="${width - 1}" height="${place(height - 1)}" rx="6" class="paper"/>`,
      ...parts,
      '</svg>',
      '',
    ].join('\n');
  }
}

function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}
