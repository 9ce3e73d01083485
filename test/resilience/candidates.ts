/** Endpoints for tests of pickers: their loads are set by the test. */
import type { Attempt } from '../../src/base/codes.js';
import { EndpointStats } from '../../src/resilience/endpoint-stats.js';
import type { PickerContext } from '../../src/resilience/picker.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { Random } from '../support/seed.js';

export class TestEndpoint {
  readonly stats = new EndpointStats();
  load = 0;

  constructor(
    readonly address: string,
    readonly weight = 1,
  ) {}
}

/** `tcp://e0:1`, `tcp://e1:1` and so on, each with its weight. */
export function endpoints(weights: readonly number[]): TestEndpoint[] {
  return weights.map((weight, index) => new TestEndpoint(`tcp://e${index}:1`, weight));
}

export const contextOf = (random: Random): PickerContext => ({
  clock: new VirtualClock(),
  random: () => random.unit(),
});

export const failedAt = (...places: readonly { readonly address: string }[]): Attempt[] =>
  places.map(({ address }) => ({ endpoint: address, code: 'UNAVAILABLE', started: 'no', durationMs: 1 }));
