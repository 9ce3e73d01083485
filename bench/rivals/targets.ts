/** The project's targets against its rivals, each met or missed with its figure. Rivals that did not run are not judged. */
import type { Figure } from '../report/statistics.js';
import { fixed, whole } from '../report/table.js';
import type { RivalFigures } from './figures.js';
import type { Rival } from './rival.js';
import type { RivalCase } from './run.js';
import { isEngine } from './tables.js';

interface Target {
  readonly engine: string;
  readonly rival: string;
  readonly one: RivalCase;
  readonly figure: Figure;
  readonly limit: number;
  readonly text: string;
}

const unary = (inFlight: number): RivalCase => ({ workload: 'unary', inFlight });
const blob: RivalCase = { workload: 'blob', inFlight: 16 };
const stream: RivalCase = { workload: 'stream', inFlight: 1 };

const speed = (engine: string, rival: string, one: RivalCase, limit: number, text: string): Target => ({
  engine,
  rival,
  one,
  figure: 'perSecond',
  limit,
  text,
});
const cpu = (engine: string, rival: string, one: RivalCase, limit: number, text: string): Target => ({
  ...speed(engine, rival, one, limit, text),
  figure: 'sumUs',
});

const targets: readonly Target[] = [
  cpu('engine', 'floor', unary(512), 0.85, '512 in flight: CPU per call at most 0.85 x the floor program'),
  speed('engine', 'floor', unary(512), 1.05, '512 in flight: calls/s at least 1.05 x the floor program'),
  speed('engine', 'rsocket-tcp', unary(512), 8, '512 in flight: calls/s at least 8 x rsocket-tcp'),
  speed('engine', 'grpc-cpp', unary(512), 20, '512 in flight: calls/s at least 20 x gRPC C++'),
  speed('engine', 'grpc-go', unary(512), 20, '512 in flight: calls/s at least 20 x grpc-go'),
  speed('engine', 'grpc-js', unary(512), 100, '512 in flight: calls/s at least 100 x grpc-js'),
  cpu('engine', 'floor', unary(64), 0.9, '64 in flight: CPU per call at most 0.9 x the floor program'),
  speed('engine-polling', 'grpc-cpp', unary(1), 3, '1 in flight, busyPollUs: calls/s at least 3 x gRPC C++'),
  speed('engine-blob', 'framed-echo', blob, 0.95, 'echo of 64 KiB, blob lane: at least 0.95 x node:net'),
  speed('engine-bytes', 'framed-echo', blob, 0.95, 'echo of 64 KiB, raw unary: at least 0.95 x node:net'),
  speed('engine-blob', 'grpc-cpp', blob, 1, 'echo of 64 KiB, blob lane: ahead of gRPC C++'),
  speed('engine-bytes', 'grpc-cpp', blob, 1, 'echo of 64 KiB, raw unary: ahead of gRPC C++'),
  speed('engine', 'grpc-go', stream, 1.5, 'stream, `for await`: items/s at least 1.5 x grpc-go'),
  speed('engine-batches', 'grpc-go', stream, 3, 'stream, `batches()`: items/s at least 3 x grpc-go'),
  cpu('engine-batches', 'floor', stream, 0.75, 'stream, `batches()`: CPU per item at most 0.75 x the floor program'),
];

export function targetLines(figures: RivalFigures, rivals: readonly Rival[]): string[] {
  return [
    ...targets.flatMap(({ engine, rival, one, figure, limit, text }) => {
      const value = figures.ratio(engine, rival, one, figure);
      if (value === null) return [];
      return [line(figure === 'sumUs' ? value <= limit : value >= limit, text, fixed(value, 3))];
    }),
    ...againstTheBest(figures, rivals),
    ...roundTrip(figures),
  ];
}

const BEST_RATIO_MIN = 4;

/** Against the fastest of those that can be used: the floors cannot. */
function againstTheBest(figures: RivalFigures, rivals: readonly Rival[]): string[] {
  const one = unary(64);
  let best: { readonly rival: Rival; readonly perSecond: number } | null = null;
  for (const rival of rivals) {
    const own = rival.floor || isEngine(rival.name) ? null : figures.medians(rival.name, one);
    if (own !== null && (best === null || own.perSecond > best.perSecond)) best = { rival, perSecond: own.perSecond };
  }
  if (best === null) return [];
  const { rival, perSecond } = best;
  const value = figures.ratio('engine', rival.name, one, 'perSecond');
  if (value === null) return [];
  const text = `64 in flight: calls/s at least ${BEST_RATIO_MIN} x the best rival, ${rival.title} (${whole(perSecond)})`;
  return [line(value >= BEST_RATIO_MIN, text, fixed(value, 3))];
}

const ROUND_TRIP_RATIO_MAX = 1.08;

/** One call in flight: the round trip is what calls/s are the reciprocal of. */
function roundTrip(figures: RivalFigures): string[] {
  const one = unary(1);
  const slowness = figures.ratio('raw-net', 'engine', one, 'perSecond');
  const own = figures.medians('engine', one);
  const raw = figures.medians('raw-net', one);
  if (slowness === null || own === null || raw === null) return [];
  const times = `${fixed(1e6 / own.perSecond, 1)} us against ${fixed(1e6 / raw.perSecond, 1)} us`;
  const text = `1 in flight: round trip at most ${ROUND_TRIP_RATIO_MAX} x raw node:net (${times})`;
  return [line(slowness <= ROUND_TRIP_RATIO_MAX, text, fixed(slowness, 3))];
}

function line(met: boolean, text: string, figure: string): string {
  return `target ${met ? 'met' : 'MISSED'}: ${text}: ${figure}`;
}
