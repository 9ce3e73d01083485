/** The parts of the demo that can be wrong by themselves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cityOf, type SourceCity, wrongField } from '../../examples/demo/cities.js';
import { Latencies } from '../../examples/demo/latencies.js';
import { NearestIndex } from '../../examples/demo/nearest.js';
import { Screen } from '../../examples/demo/screen.js';
import { table } from '../../examples/demo/table.js';
import { type Random, withSeed } from '../support/seed.js';

const source: SourceCity = {
  cityId: 2950159,
  name: 'Berlin',
  altName: '',
  country: 'DE',
  featureCode: 'PPLC',
  adminCode: '16',
  muni: '11000',
  population: 3426354,
  loc: { type: 'Point', coordinates: [13.41053, 52.52437] },
};

test('a difference in any field of a city is found and named', () => {
  const city = cityOf(source);
  assert.is(wrongField(city, source), null);
  const fields = Object.keys(city) as (keyof typeof city)[];
  assert.is(fields.length, 11);
  for (const field of fields) {
    const other = typeof city[field] === 'number' ? -1 : 'other';
    assert.is(wrongField({ ...city, [field]: other }, source), field);
  }
});

/** Angle between two places by the haversine formula, which the index does not use. */
function haversineKm(a: { latitude: number; longitude: number }, b: { latitude: number; longitude: number }): number {
  const radians = Math.PI / 180;
  const square = (x: number): number => x * x;
  const h =
    square(Math.sin(((b.latitude - a.latitude) * radians) / 2)) +
    Math.cos(a.latitude * radians) *
      Math.cos(b.latitude * radians) *
      square(Math.sin(((b.longitude - a.longitude) * radians) / 2));
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)));
}

function randomPlace(random: Random): { latitude: number; longitude: number } {
  // Poles and the date line are as likely as anything else.
  const latitude = random.oneIn(10) ? random.pick([-90, 90]) : random.unit() * 180 - 90;
  const longitude = random.oneIn(10) ? random.pick([-180, 180, 0]) : random.unit() * 360 - 180;
  return { latitude, longitude };
}

test('the index finds the same cities as a search through all of them', () => {
  withSeed((random) => {
    const cities = Array.from({ length: 400 }, (_, id) => ({ ...cityOf(source), id, ...randomPlace(random) }));
    const index = new NearestIndex(cities);
    for (let round = 0; round < 100; round += 1) {
      const from = randomPlace(random);
      const count = random.between(1, 12);
      const found = index.nearest(from.latitude, from.longitude, count);
      const expected = cities.map((city) => haversineKm(from, city)).sort((a, b) => a - b);
      assert.is(found.length, count);
      for (const [place, { city, km }] of found.entries()) {
        assert.ok(Math.abs(km - expected[place]) < 1e-3, `${km} km, not ${expected[place]} km`);
        assert.ok(Math.abs(km - haversineKm(from, city)) < 1e-3);
      }
    }
    assert.is(index.nearest(0, 0, 1_000).length, cities.length, 'all of them when there are fewer');
  });
});

test('percentiles are those of the sorted latencies', () => {
  const latencies = new Latencies();
  for (let micros = 1; micros <= 1_000; micros += 1) latencies.add(micros / 1_000);
  assert.is(latencies.percentileMicros(0.5), 500);
  assert.is(latencies.percentileMicros(0.99), 990);
  assert.is(latencies.percentileMicros(1), 1_000);
  latencies.add(5_000);
  assert.is(latencies.percentileMicros(1), 1_000_000);
});

function screenOn(isTTY: boolean, colours: boolean): { screen: Screen; text: () => string } {
  let written = '';
  const screen = new Screen({ isTTY, hasColors: () => colours, write: (text) => (written += text) });
  return { screen, text: () => written };
}

test('on a terminal the bar is redrawn in place, with colours only if it has them', () => {
  for (const colours of [false, true]) {
    const { screen, text } = screenOn(true, colours);
    for (const share of [0, 0.5, 1]) screen.progress('calls', share, `${share}`);
    screen.endProgress();
    assert.is(text().split('\r').length, 4);
    assert.is(text().split('\n').length, 2);
    assert.is(text().includes('\u001b[36m'), colours);
    assert.match(text(), '█'.repeat(24));
  }
});

test('elsewhere a line stands for each quarter, and nothing is coloured', () => {
  const { screen, text } = screenOn(false, true);
  for (let round = 0; round < 2; round += 1) {
    for (let share = 0; share <= 100; share += 1) screen.progress('calls', share / 100, 'note');
    screen.endProgress();
  }
  const lines = ['   25 %', '   50 %', '   75 %', '  100 %'].map((share) => `  calls${share}  note\n`).join('');
  assert.is(text(), lines + lines);
  assert.is(screen.styled('red', 'plain'), 'plain');
});

test('columns of a table are flush right and as wide as their widest cell', () => {
  assert.equal(table(['a', 'long'], [['100', '1']]), ['  a  long', '100     1']);
});

test.run();
