/** The streams of the demo: all cities of a country as they come, and all cities sent up; every item is counted and compared. */
import type { Client } from 'trunkline';
import { cityOf, type SourceCity, wrongField } from './cities.js';
import { number } from './report.js';
import type { Screen } from './screen.js';
import type { Cities, City } from './service.js';

const REDRAW_ITEMS = 500;

/** Reads every city of a large country, with a bar that moves as they come. Returns the number of errors. */
export async function readCountry(
  cities: Client<typeof Cities>,
  sources: readonly SourceCity[],
  screen: Screen,
): Promise<number> {
  const country = 'US';
  const expected = sources.filter((source) => source.country === country);
  screen.heading('A server stream', `for await (const city of cities.inCountry('${country}'))`);
  const startedAt = performance.now();
  let count = 0;
  let people = 0;
  let wrong = 0;
  for await (const city of cities.inCountry(country)) {
    const source = expected[count++];
    people += city.population;
    if (source === undefined || wrongField(city, source) !== null) wrong++;
    if (count % REDRAW_ITEMS === 0) {
      const note = `${number.format(count)} cities  ${number.format(people)} inhabitants`;
      screen.progress(country, count / expected.length, note);
    }
  }
  screen.progress(country, 1, `${number.format(count)} cities  ${number.format(people)} inhabitants`);
  screen.endProgress();
  screen.line(`  ${number.format(rate(count, startedAt))} cities/s, each compared as it came`);
  return judge(screen, 'inCountry', count === expected.length ? wrong : wrong + 1);
}

/** Leaves a stream in its middle: the server's generator ends, and the connection goes on. */
export async function leaveEarly(cities: Client<typeof Cities>, screen: Screen): Promise<void> {
  let first: City | null = null;
  for await (const city of cities.inCountry('CN')) {
    first = city;
    if (city.population > 10_000_000) break;
  }
  screen.line(`  left early at ${first?.name ?? 'nothing'}: the server's generator has ended`);
}

/** Sends every city up, and compares what the server made of them. Returns the number of errors. */
export async function sendAll(
  cities: Client<typeof Cities>,
  sources: readonly SourceCity[],
  screen: Screen,
): Promise<number> {
  screen.heading('A client stream', 'await cities.census(everyCity())');
  const startedAt = performance.now();
  let sent = 0;
  function* everyCity(): Generator<City> {
    for (const source of sources) {
      if (++sent % (REDRAW_ITEMS * 10) === 0) {
        screen.progress('upload', sent / sources.length, `${number.format(sent)} cities sent`);
      }
      yield cityOf(source);
    }
  }
  const census = await cities.census(everyCity());
  screen.progress('upload', 1, `${number.format(sent)} cities sent`);
  screen.endProgress();
  const { count, countries, population } = census;
  screen.line(
    `  the server counted ${number.format(count)} cities in ${number.format(countries)} countries with ` +
      `${number.format(population)} inhabitants  (${number.format(rate(count, startedAt))} cities/s)`,
  );
  const people = sources.reduce((sum, source) => sum + source.population, 0);
  const right =
    count === sources.length &&
    population === people &&
    countries === new Set(sources.map((source) => source.country)).size;
  return judge(screen, 'census', right ? 0 : 1);
}

function rate(items: number, startedAt: number): number {
  return (items * 1_000) / Math.max(1, performance.now() - startedAt);
}

function judge(screen: Screen, method: string, errors: number): number {
  if (errors > 0) screen.line(`${screen.styled('red', 'error')} ${method}: ${number.format(errors)} items were wrong`);
  return errors;
}
