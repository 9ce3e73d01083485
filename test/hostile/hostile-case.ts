/** A hostile case: the input of one live connection, and its result. Run by `live-run.ts`. */
import { defaultLimits, type Limits } from '../../src/index.js';
import type { Planned, PlannedCall, Side } from './session-streams.js';

/** Events between two chunks. */
export const acts = [
  'turn',
  'wait 1',
  'wait 50',
  'wait 11000',
  'wait 31000',
  'abort',
  'call',
  'drain',
  'stop reading',
  'read on',
  'end',
  'reset',
  'handlers end',
  'close',
] as const;
export type Act = (typeof acts)[number];

/** A chunk of the peer's bytes, an event, or a call that the connection makes. */
export type Step = Buffer | Act | PlannedCall;

/** What an adaptive peer knows of the connection. */
export interface ConnectionView {
  readonly over: boolean;
  /** The connection's own calls that wait for an answer. */
  ownCalls(): readonly { readonly call: number; readonly method: string }[];
  /** A slot of the peer's: its latest generation, whether its call has ended, and whether it has streams that have not. */
  slot(slot: number): { readonly generation: number; readonly free: boolean; readonly streams: boolean };
}

/** Settings of the connection under test. */
export const settings = {
  usual: defaultLimits,
  /** Claims of large frames and messages are within the limits. */
  wide: { ...defaultLimits, frameBytesMax: 16 * 1024 * 1024, messageBytesMax: 2 ** 30 },
  /** Every bound is near. */
  tight: {
    ...defaultLimits,
    callsInFlightMax: 16,
    handlersMax: 2,
    callsQueuedMax: 2,
    metadataEntriesMax: 16,
    writeQueueBytesSoft: 512,
    writeQueueBytesHard: 8 * 1024,
    assemblyBytesMax: 1_200,
    resetsBurstMax: 3,
  },
} satisfies Record<string, Limits>;
export type Setting = keyof typeof settings;

export interface HostileCase {
  readonly side: Side;
  readonly setting: Setting;
  readonly calls: readonly PlannedCall[];
  /** All that happens, or a peer that decides as it goes. */
  readonly steps: readonly Step[] | ((view: ConnectionView) => Iterable<Step>);
}

export interface Outcome {
  /** The invariant that was broken, or null. */
  readonly problem: string | null;
  /** Code of the CLOSE that the connection wrote, -1 without one. */
  readonly closeCode: number;
  /** Longest time for one chunk. */
  readonly feedMsMost: number;
  /** The results of the connection's own calls. */
  readonly settled: readonly Planned[];
  /** Text of the CLOSE, for people. */
  readonly closeText: string;
  /** Terminal frames that the peer's calls got. */
  readonly terminals: number;
  /** The steps, to run the case again. */
  readonly steps: readonly Step[];
}
