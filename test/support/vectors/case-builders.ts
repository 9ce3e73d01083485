/** How the cases of `frame-cases.ts` and `record-cases.ts` are put together. */
import { frameBytes, headerBytes } from './bytes.js';
import type { ErrorView, FrameCase, FrameView, HexView } from './view.js';
import { settled, wireOf } from './wire-text.js';

type Extras = Partial<Pick<FrameCase, 'faults' | 'receiver' | 'canonical'>>;

export const first = { opener: 'dialler', generation: 1, slot: 0 } as const;

export const connectionError = (...codes: string[]): ErrorView => ({ tier: 'connection', codes });
export const callError = (...codes: string[]): ErrorView => ({ tier: 'call', codes });

/** Bytes that mean exactly these frames. */
export function good(description: string, frames: readonly FrameView[], extras: Extras = {}): FrameCase {
  return { description, ...extras, wire: wireOf('', frames), frames: settled(frames), error: null };
}

/** Legal bytes that a writer would not produce. */
export function lenient(
  description: string,
  wire: HexView,
  frames: readonly FrameView[],
  extras: Extras = {},
): FrameCase {
  return { description, ...extras, wire, frames, error: null, canonical: false };
}

/** Bytes that mean `frames`, and then an error. */
export function bad(
  description: string,
  wire: HexView,
  error: ErrorView,
  extras: Extras & { frames?: readonly FrameView[] } = {},
): FrameCase {
  const { frames = [], ...others } = extras;
  return { description, ...others, wire, frames: settled(frames), error };
}

export interface RawFrame {
  readonly type: number;
  readonly flags?: number;
  readonly call?: number;
  readonly method?: number;
  readonly payload?: string;
  /** What the header claims, if not the payload's length. */
  readonly length?: number;
}

/** A frame from its parts, right or wrong, as hex. */
export function raw({ type, flags = 0, call = 0, method = 0, payload = '', length }: RawFrame): string {
  const bytes = Buffer.from(payload.replaceAll(' ', ''), 'hex');
  return Buffer.concat([headerBytes(length ?? bytes.length, call, type, flags, method), bytes]).toString('hex');
}

export const hexOf = (...views: readonly FrameView[]): string => Buffer.concat(views.map(frameBytes)).toString('hex');
