/**
 * The marks of one call that asked for its ledger, by this side's clock, and the ledger that is made of them.
 *
 *   called   encoding   encoded   sent                         arrived     read      decoding    over
 *     |--waiting-->|--encoding-->|--socket-->|--network and peer-->|--late-->|--late-->|--decoding-->|
 *
 * A stub makes them (`LedgerSetting`) and puts them into the call's `CallExtras`; calls without them pay nothing.
 */
import { AsyncContext, callListener } from '../../base/async-context.js';
import type { CallLedger } from '../../base/call-ledger.js';
import type { Clock } from '../../base/clock.js';
import type { PeerDurations } from '../../wire/prefix.js';

/** Told of each call of the channel that has its ledger. */
export type LedgerListener = (ledger: CallLedger, method: string) => void;

/** The loop is watched for as long as a call may take, and for longer when calls may follow. */
const WATCH_MS_LEAST = 60_000;
const WATCH_MS_MOST = 3_600_000;

/** The shortest network time seen among the calls of one connection. */
export interface NetworkFloor {
  networkMsLeast: number;
}

export class CallMarks {
  encodingAt = 0;
  encodedAt = 0;
  /** The kernel has the request; Infinity until that is seen. */
  sentAt = Infinity;
  /** Set once the call has a connection. */
  floor: NetworkFloor = { networkMsLeast: Infinity };
  private arrivedAt = 0;
  private readAt = 0;
  private decodingAt = 0;
  private durations: PeerDurations | null = null;
  /** The caller's, in which the listener runs. */
  private readonly context: AsyncContext | null;

  constructor(
    private readonly clock: Clock,
    private readonly method = '',
    private readonly listener: LedgerListener | null = null,
    private readonly calledAt = clock.now(),
    context: AsyncContext | null = null,
  ) {
    this.context = listener === null ? null : (context ?? new AsyncContext());
  }

  /** For another attempt of the same call, which is under way together with this one. */
  ofAttempt(): CallMarks {
    return new CallMarks(this.clock, this.method, this.listener, this.calledAt, this.context);
  }

  beginEncoding(): void {
    this.encodingAt = this.clock.now();
  }

  endEncoding(): void {
    this.encodedAt = this.clock.now();
    this.sentAt = Infinity;
  }

  /** The answer is whole and is about to be decoded; its last bytes were read at `readAt`. */
  answered(durations: PeerDurations | null, readAt: number): void {
    this.durations = durations;
    this.readAt = readAt;
    this.arrivedAt = Math.min(readAt, this.clock.readableSince?.() ?? readAt);
    this.decodingAt = this.clock.now();
  }

  /** The call is over. Null: the peer sent no durations. */
  finish(): CallLedger | null {
    const { durations } = this;
    if (durations === null) return null;
    const ledger = this.made(durations, this.clock.now());
    const { listener, method } = this;
    if (listener !== null) this.context?.run(() => callListener('the listener of a ledger', listener, ledger, method));
    return ledger;
  }

  /**
   * An answer may have lain unread for at most the time that neither the peer's durations nor the shortest network time explain; the
   * rest counts as network.
   */
  private made(durations: PeerDurations, overAt: number): CallLedger {
    const { calledAt, encodingAt, encodedAt, readAt, decodingAt, floor } = this;
    // An answer may come before its request has left.
    const sentAt = Math.min(this.sentAt, readAt);
    const spanUs = microseconds(readAt - sentAt);
    const peerHandlerUs = Math.min(durations.handlerUs, spanUs);
    const peerEncodingUs = Math.min(durations.encodingUs, spanUs - peerHandlerUs);
    const peerWaitingUs = Math.min(durations.waitingUs, spanUs - peerHandlerUs - peerEncodingUs);
    const restUs = spanUs - peerHandlerUs - peerEncodingUs - peerWaitingUs;
    const floorUs = floor.networkMsLeast === Infinity ? 0 : microseconds(floor.networkMsLeast);
    const unreadUs = Math.min(microseconds(readAt - this.arrivedAt), Math.max(0, restUs - floorUs));
    const networkUs = restUs - unreadUs;
    if (unreadUs === 0) floor.networkMsLeast = Math.min(floor.networkMsLeast, networkUs / 1_000);
    const waitingUs = microseconds(encodingAt - calledAt);
    const encodingUs = microseconds(encodedAt - encodingAt);
    const socketUs = microseconds(sentAt - encodedAt);
    const lateUs = unreadUs + microseconds(decodingAt - readAt);
    const decodingUs = microseconds(overAt - decodingAt);
    return {
      totalUs: waitingUs + encodingUs + socketUs + spanUs + lateUs - unreadUs + decodingUs,
      waitingUs,
      encodingUs,
      socketUs,
      networkUs,
      peerWaitingUs,
      peerHandlerUs,
      peerEncodingUs,
      lateUs,
      decodingUs,
    };
  }
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000));
}

/** Which calls of a channel ask for their ledger: those that say so, or all of them. */
export class LedgerSetting {
  private readonly listener: LedgerListener | null;

  constructor(
    private readonly clock: Clock,
    private readonly setting: boolean | LedgerListener,
  ) {
    this.listener = typeof setting === 'function' ? setting : null;
  }

  /** Every call asks, unless it says otherwise. */
  get always(): boolean {
    return this.setting !== false;
  }

  /** The marks of a call that begins now; null when it does not ask. */
  marks(asked: boolean | undefined, method: string, deadlineMs: number): CallMarks | null {
    if (!(asked ?? this.always)) return null;
    this.clock.watchReads?.(Math.min(Math.max(deadlineMs || 0, WATCH_MS_LEAST), WATCH_MS_MOST));
    return new CallMarks(this.clock, method, this.listener);
  }
}
