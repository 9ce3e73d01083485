/** The raw results of the bench as `--json` writes them into `bench/results/`. A file that is not there is null; one that is broken is an error. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AllocationSample } from '../commands/allocation.js';
import type { RoundTripSample } from '../commands/round-trip.js';
import type { StreamSample } from '../commands/stream.js';
import type { LatencySample } from '../latency/run.js';
import type { Measured, Sample } from '../measure.js';
import type { Rival } from '../rivals/rival.js';
import type { RivalSample } from '../rivals/run.js';
import type { Environment } from './environment.js';

export interface ResultFile<S> {
  readonly environment: Environment;
  readonly settings?: { readonly rounds?: number; readonly seconds?: number };
  readonly samples: readonly S[];
}

export type ReportedRival = Omit<Rival, 'command'> & { readonly version: string };

export interface Skipped {
  readonly name: string;
  readonly why: string;
}

export interface RivalsFile extends ResultFile<RivalSample> {
  readonly rivals: readonly ReportedRival[];
  readonly skipped: readonly Skipped[];
}

export interface LatencyFile extends ResultFile<LatencySample> {
  readonly settings?: ResultFile<LatencySample>['settings'] & {
    readonly others?: readonly { readonly name: string; readonly title: string; readonly floor: boolean }[];
  };
  readonly skipped?: readonly Skipped[];
}

export interface ScalingSample extends Pick<Measured, 'perSecond' | 'clientUs' | 'serverUs' | 'sumUs'> {
  readonly round: number;
  readonly axis: string;
  readonly value: number;
  readonly bytesPerSecond: number;
  readonly problem?: string | null;
}

export interface LimitSample {
  readonly round: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly perSecond: number;
  readonly serverUs: number;
  readonly clientUs: number;
  readonly serverBusyShare: number;
  readonly clientBusyShare: number;
  readonly problem?: string | null;
}

/** A contender with checksums in some form; whatever is beside the figures says which. */
export interface ChecksumSample extends Pick<Measured, 'perSecond' | 'sumUs'> {
  readonly round?: number;
  readonly contender: string;
  readonly inFlight: number;
}

export interface Results {
  readonly rivals: RivalsFile | null;
  readonly floor: ResultFile<Sample> | null;
  readonly stream: ResultFile<StreamSample> | null;
  readonly latency: LatencyFile | null;
  readonly scaling: ResultFile<ScalingSample> | null;
  readonly 'round-trip': ResultFile<RoundTripSample> | null;
  readonly limit: ResultFile<LimitSample> | null;
  readonly allocation: ResultFile<AllocationSample> | null;
  readonly checksums: ResultFile<ChecksumSample> | null;
}

export type ResultName = keyof Results;

export const resultNames: readonly ResultName[] = [
  'rivals',
  'floor',
  'stream',
  'latency',
  'scaling',
  'round-trip',
  'limit',
  'allocation',
  'checksums',
];

export function readResults(folder: string): Results {
  const read = (name: ResultName): unknown => {
    const path = join(folder, `${name}.json`);
    if (!existsSync(path)) return null;
    try {
      return checked(JSON.parse(readFileSync(path, 'utf8')), name);
    } catch (error) {
      throw new Error(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  };
  return Object.fromEntries(resultNames.map((name) => [name, read(name)])) as unknown as Results;
}

/** The parts that all files have, and what only some need. What a sample holds is looked at where it is used. */
function checked(value: unknown, name: ResultName): object {
  const file = value as Partial<RivalsFile> | null;
  if (typeof file !== 'object' || file === null) throw new Error('it holds no object');
  const { environment, samples } = file;
  for (const part of ['date', 'cpu', 'cores', 'system', 'node', 'commit', 'pinning'] as const) {
    if (environment?.[part] === undefined) throw new Error(`it does not say environment.${part}`);
  }
  if (!Array.isArray(samples) || samples.length === 0) throw new Error('it holds no samples');
  if (name === 'rivals' && !(Array.isArray(file.rivals) && Array.isArray(file.skipped))) {
    throw new Error('it does not say rivals and skipped');
  }
  return file;
}
