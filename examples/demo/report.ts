/** What the demo has measured, in numbers that a person reads. */
import type { LoadResult, LoadRun } from './load.js';
import type { Screen } from './screen.js';
import { table } from './table.js';

export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** Prints the table and the first error of each load; returns the number of errors. */
export function report(results: readonly LoadResult[], screen: Screen): number {
  const header = ['in flight', 'calls', 'calls/s', 'p50 µs', 'p99 µs', 'client CPU', 'server CPU', 'errors'];
  const rows = results.map(({ callsInFlight, calls, ms, latencies, clientCpuMicros, serverCpuMicros, errors }) => [
    number.format(callsInFlight),
    number.format(calls),
    number.format(perSecond(calls, ms)),
    number.format(latencies.percentileMicros(0.5)),
    number.format(latencies.percentileMicros(0.99)),
    precise.format(clientCpuMicros / calls),
    precise.format(serverCpuMicros / calls),
    number.format(errors),
  ]);
  screen.line();
  for (const [index, line] of table(header, rows).entries()) {
    screen.line(index === 0 ? screen.styled('dim', line) : line);
  }
  screen.line(screen.styled('dim', 'CPU: microseconds a call; the client also compares and measures.'));
  let errors = 0;
  for (const result of results) {
    errors += result.errors;
    if (result.firstError !== '') screen.line(`${screen.styled('red', 'error')} ${result.firstError}`);
  }
  return errors;
}

/** How far a load is. */
export function tallyOf({ calls, ms }: LoadRun): string {
  return `${number.format(calls)} calls  ${number.format(perSecond(calls, ms))}/s`;
}

function perSecond(calls: number, ms: number): number {
  return ms === 0 ? 0 : (calls * 1_000) / ms;
}
