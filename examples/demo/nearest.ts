/**
 * The cities nearest to a point, exactly. Cities are points on the unit sphere in three dimensions, where poles and the date line
 * are nothing special and the shorter chord is the shorter way; a grid of cubes holds them. A search looks at the cubes around the point shell by
 * shell, until no cube further out can hold a nearer city.
 */
import type { City, Nearby } from './service.js';

const EARTH_RADIUS_KM = 6371;
/** Edge of a cube: about 190 km. */
const EDGE = 0.03;
/** Cubes along one axis, with room for the shells around the outermost ones. */
const CUBES = 256;
const SHELLS_MAX = Math.ceil(2 / EDGE) + 1;

type Position = readonly [x: number, y: number, z: number];

interface Entry {
  readonly city: City;
  readonly position: Position;
}

interface Found extends Entry {
  readonly squaredChord: number;
}

export class NearestIndex {
  private readonly cubes = new Map<number, Entry[]>();

  constructor(cities: Iterable<City>) {
    for (const city of cities) {
      const position = positionOf(city.latitude, city.longitude);
      const [x, y, z] = position.map(cubeOf) as [number, number, number];
      const key = keyOf(x, y, z);
      const entries = this.cubes.get(key);
      if (entries === undefined) this.cubes.set(key, [{ city, position }]);
      else entries.push({ city, position });
    }
  }

  /** The `count` nearest cities, the nearest first; fewer when there are fewer. */
  nearest(latitude: number, longitude: number, count: number): Nearby[] {
    const from = positionOf(latitude, longitude);
    let found: Found[] = [];
    for (let shell = 0; shell <= SHELLS_MAX; shell += 1) {
      for (const entry of this.entriesIn(from, shell)) {
        found.push({ ...entry, squaredChord: squaredChordOf(from, entry.position) });
      }
      found.sort((a, b) => a.squaredChord - b.squaredChord);
      found = found.slice(0, count);
      // Whatever lies further out than this shell is at least so many whole edges away.
      const farthest = found[count - 1]?.squaredChord ?? Number.POSITIVE_INFINITY;
      if (farthest <= (shell * EDGE) ** 2) break;
    }
    return found.map(({ city, squaredChord }) => ({ city, km: kmOf(squaredChord) }));
  }

  /** The cities in all cubes that are exactly `shell` cubes away from the one with `from` in it, along some axis. */
  private *entriesIn(from: Position, shell: number): Iterable<Entry> {
    const [cx, cy, cz] = from.map(cubeOf) as [number, number, number];
    for (let x = cx - shell; x <= cx + shell; x += 1) {
      for (let y = cy - shell; y <= cy + shell; y += 1) {
        const onSide = Math.abs(x - cx) === shell || Math.abs(y - cy) === shell;
        const step = onSide || shell === 0 ? 1 : 2 * shell;
        for (let z = cz - shell; z <= cz + shell; z += step) yield* this.cubes.get(keyOf(x, y, z)) ?? [];
      }
    }
  }
}

function positionOf(latitude: number, longitude: number): Position {
  const phi = (latitude * Math.PI) / 180;
  const lambda = (longitude * Math.PI) / 180;
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

function cubeOf(coordinate: number): number {
  return Math.floor(coordinate / EDGE) + CUBES / 2;
}

function keyOf(x: number, y: number, z: number): number {
  return (x * CUBES + y) * CUBES + z;
}

function squaredChordOf(a: Position, b: Position): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** Along the surface. */
function kmOf(squaredChord: number): number {
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(squaredChord) / 2));
}
