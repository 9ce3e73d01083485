/** The client of `bench -- round-trip`: each act is one turn, so many calls of one contender one after the other, each timed. */
import { loadContender } from '../contenders/names.js';
import type { Latency } from '../latencies.js';
import type { Side } from '../process/side.js';
import type { RoundTripClient, RoundTripExtra } from './roles.js';

export async function open({ contender, port, callsPerTurn }: RoundTripClient): Promise<Side<RoundTripExtra>> {
  const loaded = await loadContender(contender);
  const { workload } = loaded;
  const call = await loaded.dial(port);
  const durations = new Float64Array(callsPerTurn);
  const counts = { done: 0, wrong: 0, failed: 0, failure: '' };
  let latency: Latency | null = null;

  const makeCalls = async (): Promise<void> => {
    for (let calls = 0; calls < callsPerTurn; calls++) {
      const message = workload.make(0);
      const from = performance.now();
      const answer = await call(message);
      durations[calls] = performance.now() - from;
      const right = calls === 0 ? workload.isRight(answer, 0) : workload.looksRight(answer, 0);
      if (!right) counts.wrong++;
      counts.done++;
    }
  };

  return {
    port,
    count: () => ({ ...counts, latency }),
    async act() {
      const from = performance.now();
      try {
        await makeCalls();
      } catch (error) {
        counts.failed++;
        counts.failure ||= String(error);
      }
      const ms = performance.now() - from;
      const sorted = durations.toSorted();
      const at = (share: number): number => (sorted[Math.floor(share * callsPerTurn)] ?? Number.NaN) * 1000;
      latency = { calls: callsPerTurn, ms, p50Us: at(0.5), p99Us: at(0.99) };
    },
  };
}
