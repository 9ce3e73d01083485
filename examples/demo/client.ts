/**
 * The client of the demo: looks cities up, finds the nearest ones and shows where the time of that went, streams cities both ways,
 * then asks for every city and checks the answers.
 */
import { connect, formatLedger, isDeclared } from 'trunkline';
import type { SourceCity } from './cities.js';
import { type Clients, type LoadResult, LoadRun } from './load.js';
import { number, report, tallyOf } from './report.js';
import type { Screen } from './screen.js';
import { Cities, type City, ServerProcess } from './service.js';
import { leaveEarly, readCountry, sendAll } from './streams.js';

/** Runs the whole demo against the server at `target`; returns the number of errors. */
export async function runClient(
  target: string,
  sources: readonly SourceCity[],
  seconds: number,
  screen: Screen,
): Promise<number> {
  const channel = connect(target);
  const clients = { cities: channel.client(Cities), serverProcess: channel.client(ServerProcess) };
  try {
    await lookUp(clients, screen);
    await findNearest(clients, screen);
    await showLedger(clients, screen);
    let errors = await readCountry(clients.cities, sources, screen);
    await leaveEarly(clients.cities, screen);
    errors += await sendAll(clients.cities, sources, screen);
    const results = await askForAll(clients, sources, seconds, screen);
    return errors + report(results, screen);
  } finally {
    await channel.close();
  }
}

async function lookUp({ cities }: Clients, screen: Screen): Promise<void> {
  screen.heading('Look-ups by id', 'cities.get({ id })');
  for (const id of [1796236, 3448439, 2332459, 2950159]) {
    const city = await cities.get({ id });
    screen.line(
      `  ${String(id).padStart(7)}  ${nameOf(city).padEnd(16)}${number.format(city.population).padStart(12)} inhabitants`,
    );
  }
  try {
    await cities.get({ id: 1 });
  } catch (error) {
    if (!isDeclared(error, Cities.methods.get)) throw error;
    screen.line(`  ${String(error.value.id).padStart(7)}  ${error.errorName}, an error that the method declares`);
  }
}

async function findNearest({ cities }: Clients, screen: Screen): Promise<void> {
  screen.heading('Nearest cities', 'cities.nearest({ latitude, longitude, count })');
  const places = [
    { name: 'Mount Everest', latitude: 27.98806, longitude: 86.92528 },
    { name: 'Point Nemo', latitude: -48.87667, longitude: -123.39333 },
  ];
  for (const { name, latitude, longitude } of places) {
    const nearest = await cities.nearest({ latitude, longitude, count: 3 });
    const list = nearest.map(({ city, km }) => `${nameOf(city)} ${number.format(km)} km`);
    screen.line(`  ${name.padEnd(13)}  ${list.join(' · ')}`);
  }
}

async function showLedger({ cities }: Clients, screen: Screen): Promise<void> {
  screen.heading('Where the time went', 'cities.nearest.detailed(place, { ledger: true })');
  const place = { latitude: 35.68, longitude: 139.69, count: 100 };
  const { ledger } = await cities.nearest.detailed(place, { ledger: true });
  if (ledger !== null) for (const line of formatLedger(ledger).split('\n')) screen.line(`  ${line}`);
}

async function askForAll(
  clients: Clients,
  sources: readonly SourceCity[],
  seconds: number,
  screen: Screen,
): Promise<LoadResult[]> {
  screen.heading('Every city by id', 'over one connection, each answer compared with its source, field by field');
  const results: LoadResult[] = [];
  for (const callsInFlight of [1, 64, 512]) {
    // One call at a time is for its latency and ends by time; the others go through all cities at least once.
    const callsMin = callsInFlight === 1 ? 1 : sources.length;
    const run = new LoadRun(clients, sources, { callsInFlight, callsMin, msMin: seconds * 1_000 });
    const label = `${String(callsInFlight).padStart(3)} in flight`;
    const draw = (): void => screen.progress(label, run.progress, tallyOf(run));
    const timer = setInterval(draw, 100);
    try {
      results.push(await run.run());
    } finally {
      clearInterval(timer);
    }
    draw();
    screen.endProgress();
  }
  return results;
}

function nameOf({ name, country }: City): string {
  return `${name}, ${country}`;
}
