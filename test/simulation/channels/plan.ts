/**
 * What one seed of the channel simulation stands for: servers, clients with their options, calls, what the resolver says, and what
 * goes wrong. Drawn in full before anything runs, so that it can be printed.
 */
import type { EjectionOptions, HedgeOptions, Limits, PoolOptions, RetryOptions } from '../../../src/index.js';
import type { Direction, PathConditions } from '../../../src/testing/index.js';
import type { Random } from '../../../src/testing/random.js';

/**
 * `calm`: nothing happens, and every call that has the time for it succeeds. `moving`: the same, while endpoints come and go and
 * change places in the list. `rolling`: the same, while one server after another drains and comes back. `stormy`: whatever there is.
 */
export type Weather = 'calm' | 'moving' | 'rolling' | 'stormy';

export type CallKind = 'get' | 'put' | 'list' | 'fill';
const kinds: readonly CallKind[] = ['get', 'get', 'get', 'get', 'put', 'put', 'put', 'list', 'fill'];

/** What a handler does with its call. */
export type Act = 'answer' | 'answerLater' | 'refuse' | 'untilAborted';
const acts: readonly Act[] = ['answer', 'answer', 'answer', 'answerLater', 'answerLater', 'refuse', 'untilAborted'];

export interface CallPlan {
  readonly id: number;
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly client: number;
  readonly kind: CallKind;
  readonly act: Act;
  /** How long the handler takes, if it does not answer immediately. */
  readonly ms: number;
  readonly deadlineMs: number;
  /** Null: it is not cancelled. */
  readonly cancelAfterMs: number | null;
  readonly key: string | undefined;
  /** Undefined: as the channel. */
  readonly waitForReady: boolean | undefined;
  /** Undefined: as the method. */
  readonly idempotent: boolean | undefined;
  readonly bytes: number;
  /** Of a stream. */
  readonly items: number;
}

export interface ClientPlan {
  readonly balancer: 'leastLoaded' | 'roundRobin' | 'consistentHash' | 'consistentHashStrict';
  readonly pool: PoolOptions;
  readonly waitForReady: boolean;
  readonly ejection: EjectionOptions | false;
  readonly retry: RetryOptions | false;
  readonly hedging: HedgeOptions | false;
  readonly limits: Partial<Limits>;
  /** The delay from a change to its arrival at the resolver. */
  readonly newsMs: number;
  /** Its resolver fails before it first answers. */
  readonly failsFirst: boolean;
}

const faultKinds = [
  'crash',
  'drain',
  'partition',
  'sever',
  'reset',
  'slowServer',
  'failingServer',
  'slowWay',
  'list',
  'closeChannel',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultPlan {
  readonly at: number;
  readonly kind: FaultKind;
  readonly server: number;
  readonly client: number;
  readonly direction: Direction;
  /** How long it lasts, or the grace of a close. */
  readonly ms: number;
  readonly list: ListChange;
}

const listChanges = ['add', 'remove', 'remove', 'reorder', 'weights', 'priorities', 'empty', 'error', 'away'] as const;
/** What the registry says from then on; `error` and `away`: it cannot be asked, once or for the time of the fault. */
export type ListChange = (typeof listChanges)[number];

export interface Plan {
  readonly seed: number;
  readonly weather: Weather;
  readonly servers: number;
  /** How many of them are in the first list. */
  readonly listed: number;
  readonly clients: readonly ClientPlan[];
  readonly serverLimits: Partial<Limits>;
  /** The address of a draining server refuses immediately, like a closed port; otherwise it accepts connections and sends DRAIN. */
  readonly drainCloses: boolean;
  readonly conditions: Partial<PathConditions>;
  readonly calls: readonly CallPlan[];
  readonly faults: readonly FaultPlan[];
}

/** Time in which calls begin and faults happen. */
const SPAN_MS = 8_000;
/** A rolling restart: the next server drains so long after the last one came back. */
export const ROLLING_PAUSE_MS = 2_500;

export function drawPlan(seed: number, random: Random): Plan {
  const weather = random.pick<Weather>(['calm', 'moving', 'rolling', 'stormy', 'stormy', 'stormy', 'stormy', 'stormy']);
  const stormy = weather === 'stormy';
  const servers = random.pick([2, 2, 3, 3, 4, 6]);
  const clients = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => drawClient(random, weather));
  const spanMs = weather === 'rolling' ? 2 * SPAN_MS : SPAN_MS;
  const calls: CallPlan[] = [];
  const count = random.between(10, 50);
  let at = random.pick([0, 0, 500]);
  for (let id = 1; id <= count; id++) {
    at = Math.min(spanMs, at + random.pick([0, 0, 0, 1, 5, 40, 300, stormy ? 1_000 : 500]));
    calls.push(drawCall(random, id, at, clients.length));
  }
  const times = calls.map((call) => call.at);
  const faults = drawFaults(random, weather, times, servers, clients.length);
  return {
    seed,
    weather,
    servers,
    listed: weather === 'moving' ? random.between(1, servers) : stormy ? random.between(0, servers) : servers,
    clients,
    serverLimits: stormy && random.oneIn(2) ? drawServerLimits(random) : {},
    drainCloses: random.oneIn(2),
    conditions: {
      latencyMs: random.pick([0, 1, 1, 5, 20]),
      jitterMs: random.pick([0, 0, 1, 10]),
      pieceBytesMax: random.pick([
        200,
        5_000,
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]),
    },
    calls,
    faults: faults.sort((a, b) => a.at - b.at),
  };
}

/** Few running handlers, per connection or in total, and a short queue. */
function drawServerLimits(random: Random): Partial<Limits> {
  return {
    ...(random.oneIn(2) ? { handlersMax: random.pick([1, 2, 5]) } : {}),
    ...(random.oneIn(2) ? { executingMax: random.pick([1, 2, 5]) } : {}),
    ...(random.oneIn(3) ? { admissionQueueCallsMax: random.pick([1, 3]) } : {}),
  };
}

function drawClient(random: Random, weather: Weather): ClientPlan {
  const stormy = weather === 'stormy';
  const connectionsMin = random.pick([1, 1, 1, 2]);
  const keepaliveMs = random.pick([500, 2_000, 20_000]);
  return {
    balancer: random.pick(['leastLoaded', 'leastLoaded', 'roundRobin', 'consistentHash', 'consistentHashStrict']),
    pool: {
      connectionsMin,
      connectionsMax: random.between(connectionsMin, 4),
      callsPerConnection: random.pick([1, 2, 5, 1_000]),
      idleMsMax: random.pick([50, 500, 30_000]),
      ageMsMax: random.pick([500, 3_000, Infinity, Infinity, Infinity]),
    },
    waitForReady: random.oneIn(3),
    ejection: random.oneIn(4)
      ? false
      : { failuresInRowMax: random.pick([1, 2, 5]), ejectedMsFirst: 1_000, shareMax: random.pick([0.3, 0.5, 1]) },
    retry: random.oneIn(6) ? false : drawRetry(random),
    hedging: random.oneIn(4) ? { callsMin: random.between(1, 5), percentile: random.pick([0.5, 0.8]) } : false,
    limits: {
      keepaliveMs,
      pingIntervalMsMin: Math.min(keepaliveMs, 5_000),
      keepaliveTimeoutMs: random.pick([1_500, 2_000]),
      connectMsMax: random.pick([1_000, 2_500]),
      callsQueuedMax: stormy && random.oneIn(4) ? 4 : 1_024,
    },
    newsMs: random.pick([0, 0, 5, 100]),
    failsFirst: stormy && random.oneIn(8),
  };
}

function drawRetry(random: Random): RetryOptions {
  const budget = random.pick([
    undefined,
    undefined,
    { share: 0.2, perSecondMin: 0.2 },
    { share: 0, perSecondMin: 0.1 },
  ]);
  return {
    attemptsMax: random.pick([2, 3, 3, 5]),
    ...(random.oneIn(3) ? { waitMsFirst: 100, waitMsMax: 1_000 } : {}),
    ...(budget === undefined ? {} : { budget }),
  };
}

function drawCall(random: Random, id: number, at: number, clients: number): CallPlan {
  const act = random.pick(acts);
  const kind = random.pick(kinds);
  return {
    id,
    at,
    client: random.below(clients),
    kind,
    act,
    ms: random.pick([1, 10, 100, 1_000]),
    // A drain waits for handlers that wait for their deadline.
    deadlineMs: random.pick(act === 'untilAborted' ? [20, 200, 1_000] : [20, 200, 1_000, 5_000, 10_000, 10_000]),
    cancelAfterMs: random.oneIn(8) ? random.pick([0, 1, 5, 20, 200]) : null,
    key: random.oneIn(2) ? `key ${random.below(5)}` : undefined,
    waitForReady: random.oneIn(4) ? random.oneIn(2) : undefined,
    idempotent: random.oneIn(8) ? random.oneIn(2) : undefined,
    bytes: random.oneIn(20) ? random.between(20_000, 100_000) : random.pick([0, 20, 500]),
    items: random.pick([0, 1, 3, 10]),
  };
}

/** `times`: when calls are made. */
function drawFaults(
  random: Random,
  weather: Weather,
  times: readonly number[],
  servers: number,
  clients: number,
): FaultPlan[] {
  const draw = (kind: FaultKind, at: number, ms: number): FaultPlan => ({
    at,
    kind,
    server: random.below(servers),
    client: random.below(clients),
    direction: random.pick(['both', 'forth', 'back']),
    ms,
    list: random.pick(listChanges),
  });
  // While calls are under way.
  const whenever = (): number => random.pick(times) + random.pick([0, 1, 2, 5, 20, 50, 200]);
  if (weather === 'calm') return [];
  if (weather === 'moving') {
    // Not before every channel has connected: an empty list leaves nobody to one that has not.
    const later = (): number => 500 + whenever();
    return Array.from({ length: random.between(1, 6) }, () => draw('list', later(), random.pick([50, 1_000])));
  }
  if (weather === 'stormy') {
    const duration = (): number => random.pick([1, 20, 200, 1_500, 5_000]);
    return Array.from({ length: random.between(1, 8) }, () => draw(random.pick(faultKinds), whenever(), duration()));
  }
  // One server after the other; `at` is of the first.
  const from = random.below(1_000);
  return Array.from({ length: servers }, (_, server) => ({
    ...draw('drain', from, random.pick([0, 100, 1_000])),
    server,
  }));
}
