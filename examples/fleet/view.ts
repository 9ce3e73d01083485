/**
 * What the example prints: lines, and below them a table of which servers get the calls, from `channel.describe()`. On a terminal the
 * table is redrawn in place four times a second; elsewhere it is printed on request.
 */
import type { ChannelDescription, EndpointDescription } from 'trunkline';
import { table } from '../demo/table.js';

/** The part of `process.stdout` that is used. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const DRAW_MS = 250;
const BAR_WIDTH = 20;
const header = ['', 'state', 'calls/s', 'latency ms', 'in flight', 'answered', 'failed', ''];

export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export class View {
  private readonly timer: NodeJS.Timeout | null;
  /** Lines of the table that stand below the last line. */
  private drawn = 0;
  private before = new Map<string, number>();
  private beforeAt = performance.now();
  private rates = new Map<string, number>();

  constructor(
    private readonly output: Output,
    private readonly describe: () => ChannelDescription,
    private readonly nameOf: (address: string) => string,
  ) {
    this.timer = output.isTTY === true ? setInterval(() => this.redraw(), DRAW_MS) : null;
  }

  line(text = ''): void {
    this.erase();
    this.output.write(`${text}\n`);
  }

  /** Without redrawing: the next table shows calls per second counted from now. */
  begin(): void {
    if (this.timer === null) this.measure();
  }

  /** Without redrawing: prints the table now. */
  table(): void {
    if (this.timer !== null) return;
    this.measure();
    for (const line of this.lines()) this.line(`   ${line}`);
  }

  end(): void {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.erase();
  }

  private redraw(): void {
    this.measure();
    this.erase();
    const lines = ['', ...this.lines()];
    this.output.write(`${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }

  /** Moves the cursor up and clears everything below. */
  private erase(): void {
    if (this.drawn > 0) this.output.write(`\u001b[${this.drawn}A\u001b[J`);
    this.drawn = 0;
  }

  private measure(): void {
    const now = performance.now();
    const seconds = (now - this.beforeAt) / 1_000;
    const { endpoints } = this.describe();
    // An endpoint that went and came back counts from 0 again.
    const rateOf = ({ address, answered }: EndpointDescription): number =>
      Math.max(0, answered - (this.before.get(address) ?? 0)) / seconds;
    this.rates = new Map(endpoints.map((endpoint) => [endpoint.address, rateOf(endpoint)]));
    this.before = new Map(endpoints.map(({ address, answered }) => [address, answered]));
    this.beforeAt = now;
  }

  private lines(): string[] {
    const { endpoints, callsMade, callsWaiting, retries, resolverFailure } = this.describe();
    const most = Math.max(1, ...this.rates.values());
    const rows = endpoints
      .map((endpoint) => this.row(endpoint, most))
      .sort(([a = ''], [b = '']) => a.localeCompare(b, 'en', { numeric: true }));
    const total =
      `${number.format(callsMade)} calls made, ${callsWaiting} waiting, ${number.format(retries.made)} retries, ` +
      `budget for ${number.format(retries.budgetLeft)} more`;
    return [
      ...table(header, rows).map((line) => line.trimEnd()),
      resolverFailure === null ? total : `${total}; ${resolverFailure}`,
    ];
  }

  private row(endpoint: EndpointDescription, most: number): string[] {
    const rate = this.rates.get(endpoint.address) ?? 0;
    return [
      this.nameOf(endpoint.address),
      stateOf(endpoint),
      number.format(rate),
      endpoint.latencyMs.toFixed(1),
      number.format(endpoint.inFlight),
      number.format(endpoint.answered),
      number.format(endpoint.failed),
      '█'.repeat(Math.round((rate / most) * BAR_WIDTH)).padEnd(BAR_WIDTH),
    ];
  }
}

function stateOf({ ejected, leaving, state }: EndpointDescription): string {
  if (ejected) return 'ejected';
  return leaving ? 'leaving' : state;
}
