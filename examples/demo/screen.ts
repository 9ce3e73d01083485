/**
 * What the demo prints: lines, and a progress bar that is redrawn in place. Where the output is not a terminal the bar becomes a
 * line each quarter of the way, and there are no colours.
 */

/** The part of `process.stdout` that is used. */
export interface Output {
  readonly isTTY?: boolean;
  hasColors?(): boolean;
  write(text: string): unknown;
}

/** Codes that switch a style on and off. */
const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], cyan: [36, 39] } as const;

const CLEAR_LINE = '\r\u001b[2K';
const BAR_WIDTH = 24;

export class Screen {
  private readonly output: Output;
  private readonly colours: boolean;
  /** Quarters of the present bar that were printed as lines. */
  private quarters = 0;

  constructor(output: Output) {
    this.output = output;
    this.colours = output.isTTY === true && (output.hasColors?.() ?? false);
  }

  line(text = ''): void {
    this.output.write(`${text}\n`);
  }

  heading(text: string, remark: string): void {
    this.line(`\n${this.styled('bold', text)}  ${this.styled('dim', remark)}`);
  }

  styled(style: keyof typeof styles, text: string): string {
    const [on, off] = styles[style];
    return this.colours ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }

  /** Draws the bar in place of the last one. */
  progress(label: string, share: number, note: string): void {
    if (this.output.isTTY === true) {
      const text = `  ${label}  ${this.bar(share)}  ${note}`;
      this.output.write(CLEAR_LINE + text);
      return;
    }
    const quarters = Math.floor(share * 4);
    if (quarters <= this.quarters) return;
    this.quarters = quarters;
    this.line(`  ${label}  ${String(quarters * 25).padStart(3)} %  ${note}`);
  }

  /** Leaves the bar as it is; what follows stands below it. */
  endProgress(): void {
    if (this.output.isTTY === true) this.line();
    this.quarters = 0;
  }

  private bar(share: number): string {
    const full = Math.round(share * BAR_WIDTH);
    return this.styled('cyan', '█'.repeat(full)) + this.styled('dim', '░'.repeat(BAR_WIDTH - full));
  }
}
