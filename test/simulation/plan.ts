/**
 * What one seed stands for: who calls what and when, over which network, and what goes wrong. Drawn in full before anything
 * runs, so that it can be printed.
 */
import type { Limits } from '../../src/index.js';
import type { Direction, PathConditions } from '../../src/testing/index.js';
import type { Random } from '../../src/testing/random.js';
import { type Act, acts } from './service.js';

export interface CallPlan {
  readonly id: number;
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly client: number;
  readonly kind: CallKind;
  readonly act: Act;
  /** How long the handler takes. */
  readonly ms: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
  readonly deadlineMs: number;
  /** Null: it is not cancelled. */
  readonly cancelAfterMs: number | null;
  /** Items of each stream that the call has. */
  readonly items: number;
  readonly itemBytes: number;
  /** Milliseconds between two items of their source; less than 0: the source is synchronous. */
  readonly pauseMs: number;
  /** Milliseconds that the consumer takes for each item. */
  readonly slowMs: number;
  /** The consumer leaves after this many items; 0: it stays. */
  readonly leaveAfter: number;
  /** The caller takes items in batches. */
  readonly batches: boolean;
}

export type CallKind = 'unary' | 'oneway' | 'serverStream' | 'clientStream' | 'duplex' | 'blob';

const kinds: readonly CallKind[] = [
  ...(['unary', 'unary', 'unary', 'unary', 'unary'] as const),
  ...(['oneway', 'serverStream', 'serverStream', 'clientStream', 'duplex', 'blob'] as const),
];

/** Whether the call's client serves `Back`. Such a channel connects again by itself; the others wait for a call. */
export function servesBack({ client }: Pick<CallPlan, 'client'>): boolean {
  return client % 2 === 0;
}

/** Takes no longer than this, by itself, when the network is calm. */
const STREAM_MS_MAX = 2_000;

export interface FaultPlan {
  readonly at: number;
  readonly kind: (typeof faultKinds)[number];
  readonly client: number;
  readonly direction: Direction;
  /** How long it lasts, or the grace of a drain. */
  readonly ms: number;
}

/**
 * `calm`: nothing goes wrong and no limit is narrow, so every call that has the time for it succeeds. `rolling`: the same, while
 * servers drain and others take over, of which no caller may notice anything. `stormy`: whatever there is.
 */
export type Weather = 'calm' | 'rolling' | 'stormy';

export interface Plan {
  readonly seed: number;
  readonly weather: Weather;
  readonly clients: number;
  /** The clients' service is another version of the server's. */
  readonly otherVersion: boolean;
  readonly limits: Partial<Limits>;
  readonly conditions: Partial<PathConditions>;
  readonly calls: readonly CallPlan[];
  readonly faults: readonly FaultPlan[];
  /** Frames have checksums. */
  readonly checksums: boolean;
}

const faultKinds = [
  'partition',
  'reset',
  'sever',
  'slowServer',
  'slowClient',
  'slowWay',
  'rollingRestart',
  'crash',
  'closeChannel',
  'blockedLoop',
] as const;

/** Enough for every call to finish. */
const GRACE_MS = 40_000;
/** Time in which calls begin and faults happen. */
const SPAN_MS = 8_000;

export function drawPlan(seed: number, random: Random): Plan {
  const weather = random.pick<Weather>(['calm', 'calm', 'rolling', 'stormy', 'stormy', 'stormy', 'stormy', 'stormy']);
  const calm = weather !== 'stormy';
  const clients = random.between(1, 3);
  const conditions = drawConditions(random, calm);
  const bytesMax = (conditions.pieceBytesMax ?? Number.POSITIVE_INFINITY) * 60;
  const calls: CallPlan[] = [];
  const count = random.between(3, 20);
  let at = 0;
  for (let id = 1; id <= count; id++) {
    at = Math.min(SPAN_MS, at + random.pick([0, 0, 0, 1, 5, 40, 300, 1_000]));
    calls.push(drawCall(random, id, at, clients, bytesMax));
  }
  const faults = drawFaults(random, weather, at, clients);
  return {
    seed,
    weather,
    clients,
    otherVersion: random.oneIn(4),
    limits: calm ? drawWindows(random) : { ...drawLimits(random), ...drawWindows(random) },
    conditions,
    calls,
    faults: faults.sort((a, b) => a.at - b.at),
    checksums: random.oneIn(4),
  };
}

/** Mostly small messages, some of several frames, few of several windows. */
function drawBytes(random: Random): number {
  if (random.oneIn(60)) return random.between(100_000, 200_000);
  if (random.oneIn(8)) return random.between(10_000, 70_000);
  return random.pick([0, 1, 20, 100, 1_000, 3_000]);
}

function drawCall(random: Random, id: number, at: number, clients: number, bytesMax: number): CallPlan {
  const act = random.oneIn(2) ? 'answer' : random.pick(acts);
  return {
    id,
    at,
    client: random.below(clients),
    kind: random.pick(kinds),
    act,
    ms: random.pick([0, 1, 10, 100, 1_000]),
    requestBytes: Math.min(bytesMax, drawBytes(random)),
    answerBytes: Math.min(bytesMax, drawBytes(random)),
    deadlineMs: random.pick([1, 20, 200, 1_000, 5_000, 30_000, 30_000, 30_000]),
    cancelAfterMs: random.oneIn(act === 'untilAborted' ? 2 : 6) ? random.pick([0, 1, 5, 20, 200]) : null,
    ...drawStream(random, bytesMax),
  };
}

type StreamPlan = Pick<CallPlan, 'items' | 'itemBytes' | 'pauseMs' | 'slowMs' | 'leaveAfter' | 'batches'>;

/** Mostly a few small items; some streams are longer than a window, some items longer than a frame. */
function drawStream(random: Random, bytesMax: number): StreamPlan {
  const items = random.pick([0, 1, 2, 5, 5, 20, 60]);
  const bytes = random.oneIn(16) ? random.between(100_000, 400_000) : items * random.pick([0, 1, 10, 200, 1_000]);
  const itemBytes = items === 0 ? 0 : Math.floor(Math.min(bytes, bytesMax) / items);
  const msMax = items === 0 ? 0 : STREAM_MS_MAX / items;
  return {
    items,
    itemBytes,
    pauseMs: Math.min(msMax, random.pick([-1, -1, 0, 1, 50])),
    slowMs: Math.min(msMax, random.pick([0, 0, 0, 1, 50])),
    leaveAfter: random.oneIn(5) ? random.between(1, 10) : 0,
    batches: random.oneIn(3),
  };
}

function drawFaults(random: Random, weather: Weather, untilMs: number, clients: number): FaultPlan[] {
  if (weather === 'calm') return [];
  if (weather === 'stormy') {
    return Array.from({ length: random.between(1, 5) }, () => drawFault(random, untilMs, clients));
  }
  return Array.from({ length: random.between(1, 3) }, () => ({
    ...drawFault(random, untilMs, clients),
    kind: 'rollingRestart',
    ms: GRACE_MS,
  }));
}

function drawFault(random: Random, untilMs: number, clients: number): FaultPlan {
  return {
    at: random.below(untilMs + 200),
    kind: random.pick(faultKinds),
    client: random.below(clients),
    direction: random.pick(['both', 'forth', 'back']),
    ms: random.pick([0, 1, 20, 200, 1_500, 5_000, 40_000]),
  };
}

function drawLimits(random: Random): Partial<Limits> {
  const keepaliveMs = random.pick([500, 2_000, 20_000]);
  return {
    keepaliveMs,
    pingIntervalMsMin: Math.min(keepaliveMs, 5_000),
    keepaliveTimeoutMs: random.pick([1_500, 2_000, 10_000]),
    stallMsMax: random.pick([1_000, 15_000]),
    connectMsMax: random.pick([2_500, 5_000]),
    callsInFlightMax: random.pick([16, 1_000]),
    handlersMax: random.pick([2, 1_000, 1_000]),
    callsQueuedMax: random.pick([4, 1_024, 1_024]),
    frameBytesMax: random.pick([16_384, 65_536]),
    messageBytesMax: random.pick([65_536, 4 << 20, 4 << 20]),
    writeQueueBytesSoft: random.pick([65_536, 1 << 20]),
    writeQueueBytesHard: random.pick([1 << 20, 16 << 20]),
  };
}

function drawWindows(random: Random): Partial<Limits> {
  return {
    streamWindowBytes: random.pick([65_536, 262_144]),
    streamWindowBytesMax: random.pick([262_144, 2 << 20]),
  };
}

function drawConditions(random: Random, calm: boolean): Partial<PathConditions> {
  return {
    latencyMs: random.pick([0, 1, 1, 10, calm ? 20 : 200]),
    jitterMs: random.pick([0, 0, 1, calm ? 20 : 300]),
    pieceBytesMax: random.pick([50, 1_000, 20_000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]),
    flightBytesMax: random.pick([calm ? 65_536 : 5_000, 65_536, 1 << 20]),
  };
}
