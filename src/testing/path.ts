/**
 * The path from one simulated host to another, in one direction: its latency, its other conditions, and whether it is open. All
 * connections between the two hosts share it.
 *
 * Made by `SimulatedNetwork`, read by the lanes on it.
 */
import { isKeyOf } from '../base/tables.js';

/** Latency, jitter, rate and window of one direction between two hosts; the other direction has its own. */
export interface PathConditions {
  /** One-way latency in milliseconds. Default 1. */
  readonly latencyMs: number;
  /** Most milliseconds added to the latency, drawn for each piece; bytes of one connection stay in order. Default 0. */
  readonly jitterMs: number;
  /** Bytes that a connection moves per second. Default Infinity. */
  readonly bytesPerSecond: number;
  /** Writes arrive in pieces of 1 to this many bytes, cut at random. Default Infinity: as they were written. */
  readonly pieceBytesMax: number;
  /** Most bytes in flight or unread at the other side before the sender has to wait. Default 65,536. */
  readonly flightBytesMax: number;
}

export const defaultConditions: PathConditions = {
  latencyMs: 1,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  pieceBytesMax: Number.POSITIVE_INFINITY,
  flightBytesMax: 64 * 1024,
};

/** A lane on a path. */
export interface PathListener {
  onPathOpen(path: Path): void;
}

export class Path {
  /** False: nothing arrives; what is sent waits, as TCP would retransmit it. */
  open = true;
  readonly lanes: Set<PathListener> = new Set();
  private waiting: (() => void)[] = [];

  constructor(
    readonly from: string,
    readonly to: string,
    public conditions: PathConditions,
  ) {}

  close(): void {
    this.open = false;
  }

  /** Opens it again and delivers what waited. */
  heal(): void {
    if (this.open) return;
    this.open = true;
    for (const lane of this.lanes) lane.onPathOpen(this);
    for (const callback of this.waiting.splice(0)) callback();
  }

  /** Calls back at once, or as soon as it is open. */
  whenOpen(callback: () => void): void {
    if (this.open) callback();
    else this.waiting.push(callback);
  }
}

/** `base` with `changes` applied. Throws a `RangeError` for an impossible value, such as a negative latency. */
export function completeConditions(base: PathConditions, changes: Partial<PathConditions>): PathConditions {
  const conditions: { -readonly [N in keyof PathConditions]: number } = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    if (!isKeyOf(name, defaultConditions)) continue;
    const least = name === 'latencyMs' || name === 'jitterMs' ? 0 : 1;
    if (typeof value !== 'number' || !(value >= least)) {
      throw new RangeError(`${name} is ${String(value)}, but must be a number of at least ${least}`);
    }
    conditions[name] = value;
  }
  return conditions;
}
