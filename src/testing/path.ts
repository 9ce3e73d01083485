/**
 * The way from one simulated host to another, in one direction: how long bytes take on it, and whether it is open. All
 * connections between the two hosts share it.
 *
 * Made by `SimulatedNetwork`; the lanes on it ask it.
 */
import { isKeyOf } from '../base/tables.js';

/** What a way is like. Both directions of a connection have a way of their own. */
export interface PathConditions {
  /** Milliseconds that bytes take. Default 1. */
  readonly latencyMs: number;
  /** Up to so many milliseconds more, drawn for each piece; bytes of one connection never overtake each other. Default 0. */
  readonly jitterMs: number;
  /** Bytes that a connection moves per second. Default Infinity. */
  readonly bytesPerSecond: number;
  /** What is written arrives in pieces of 1 to so many bytes, cut at random. Default Infinity: as it was written. */
  readonly pieceBytesMax: number;
  /** Bytes on their way or unread at the other side, from which the sender has to wait. Default 65,536. */
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
  /** False: nothing arrives; what is sent waits, as TCP sends it again and again. */
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

  /** Opens it again: what waited goes on. */
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

/** `base` with what `changes` names. Throws a `RangeError` for a value that no network has. */
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
