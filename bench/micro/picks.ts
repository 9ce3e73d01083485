/**
 * What choosing an endpoint costs a call, by balancer and number of endpoints, and what reporting its answer does. 64 calls are
 * in flight, latencies vary, and 16 answers are read together.
 */
import { systemClock } from '../../src/base/clock.js';
import { consistentHash } from '../../src/resilience/consistent-hash.js';
import { EndpointStats } from '../../src/resilience/endpoint-stats.js';
import { leastLoaded } from '../../src/resilience/least-loaded.js';
import type { Balancer } from '../../src/resilience/picker.js';
import { roundRobin } from '../../src/resilience/round-robin.js';
import type { MicroTask } from './suite.js';

const CALLS = 512;
const IN_FLIGHT = 64;
const AT_ONCE = 16;

const context = { clock: systemClock, random: Math.random };
const keys = Array.from({ length: CALLS }, (_, index) => `customer-${index}`);

export function balanceTasks(): MicroTask[] {
  return [
    answerTask(),
    ...pickTasks([1, 5, 1000]),
    snapshotTask('least loaded', leastLoaded),
    snapshotTask('consistent hash', consistentHash()),
  ];
}

/** One for each balancer and each number of endpoints. */
export function pickTasks(endpointCounts: readonly number[]): MicroTask[] {
  return endpointCounts.flatMap((endpoints) => [
    pickTask('least loaded', leastLoaded, endpoints),
    pickTask('round robin', roundRobin, endpoints),
    pickTask('consistent hash', consistentHash(), endpoints),
  ]);
}

class Endpoint {
  readonly stats = new EndpointStats();
  load = 0;

  constructor(
    readonly address: string,
    readonly weight: number,
  ) {}
}

const makeEndpoints = (count: number): Endpoint[] =>
  Array.from({ length: count }, (_, index) => new Endpoint(`tcp://10.0.${index >> 8}.${index & 255}:4000`, 1));

/** Picks, and counts the call there and back: the least a channel does. Answers are reported for one call in four. */
function pickTask(name: string, balancer: Balancer, count: number): MicroTask {
  const all = makeEndpoints(count);
  const picker = balancer(all, context);
  const inFlight: Endpoint[] = [];
  for (let i = 0; i < 200 * count; i++) all[i % count].stats.onAnswer(i, 1 + (i % 7));
  for (let i = 0; i < IN_FLIGHT; i++) inFlight.push(all[i % count]);
  for (const endpoint of inFlight) endpoint.load++;
  let now = 200 * count;
  let answers = 0;
  return {
    name: `pick, ${name}, ${count} endpoint${count === 1 ? '' : 's'}`,
    units: CALLS,
    unit: 'call',
    work() {
      for (let call = 0; call < CALLS; call++) {
        const at = call % IN_FLIGHT;
        const done = inFlight[at];
        done.load--;
        if (call % 4 === 0) {
          if (++answers % AT_ONCE === 0) now += 0.1;
          done.stats.onAnswer(now, 1 + (call % 5));
        }
        const picked = picker.pick(keys[call], undefined);
        picked.load++;
        inFlight[at] = picked;
      }
      let load = 0;
      for (const endpoint of all) load += endpoint.load;
      if (load !== IN_FLIGHT) throw new Error(`${load} calls are in flight, not ${IN_FLIGHT}`);
    },
  };
}

function answerTask(): MicroTask {
  const stats = new EndpointStats();
  let now = 0;
  return {
    name: `an answer counted, ${AT_ONCE} read together`,
    units: CALLS,
    unit: 'call',
    work() {
      const before = stats.answered;
      for (let call = 0; call < CALLS; call++) {
        if (call % AT_ONCE === 0) now += 0.1;
        stats.onAnswer(now, 1 + (call % 5));
      }
      if (stats.answered !== before + CALLS) throw new Error('an answer was not counted');
    },
  };
}

/** What a change of the endpoints costs. */
function snapshotTask(name: string, balancer: Balancer): MicroTask {
  const all = makeEndpoints(1000);
  return {
    name: `a snapshot of 1,000 endpoints, ${name}`,
    units: 1,
    unit: 'snapshot',
    work() {
      if (!all.includes(balancer(all, context).pick('key', undefined))) throw new Error('picked something else');
    },
  };
}
