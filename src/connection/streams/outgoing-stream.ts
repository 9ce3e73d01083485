/**
 * The sending half of a stream: takes items from an iterable, one after the other, and writes them as ITEM frames.
 *
 *   iterable --next()--> item --> ITEM frame      only while there is credit, a share of the turn, and room at the socket
 *
 * The next item is taken from the iterable when the one before it has been written, so a slow consumer never holds up more than one
 * item here, and the end of the iterable is seen without credit. An item that is longer than a frame or than the credit left is sent
 * in parts. Stopping the stream also ends the iterable (`return()`), which runs a generator's `finally`.
 *
 *   new --run()--> writing --the iterable has ended, or cannot go on--> ended
 *                   |   ^
 *                   |   +-- CREDIT; its turn; room; the peer's HELLO; the item has left
 *                   v   |
 *          noCredit, inLine, noRoom, noLimits, leaving
 *
 *   From every state but `ended`: --stop()--> stopped
 *
 * - writing: items are taken and written, or the iterable is at work on the next one.
 * - noCredit: an item waits for CREDIT. inLine: for the stream's turn (`StreamTurns`). noRoom: for long messages to leave.
 * - noLimits: an item is too long for the protocol's minimum limits, so it waits for the peer's own.
 * - leaving: an item leaves in several frames.
 */
import { RpcError } from '../../base/errors.js';
import { type Steps, step } from '../../base/state-machine.js';
import type { MessageCodec } from '../../wire/message-codec.js';
import { LATER, type LongMessage } from '../messages/frame-scheduler.js';
import type { MethodCompression } from '../messages/method-compression.js';
import type { SendWindow } from './send-window.js';
import { isPrematureClose, type Source } from './source.js';
import type { StreamLink } from './stream-link.js';
import { FIRST_SHARE_BYTES, type StreamInLine } from './stream-turns.js';

/** With less credit than this a stream waits for more, so that it does not send tiny fragments. */
const CREDIT_BYTES_MIN = 1_024;

/**
 * The call of a stream and what it sends. A seam: both halves of calling implement it, and this room knows neither. Of the three
 * ends at most one is called, once, in the same tick as the last item is written, so that END leaves with it; the promise of `run`
 * resolves later, when the iterable has ended too.
 */
export interface SourceOwner {
  readonly source: Source;
  /** Null: the items are the bytes of a blob. */
  readonly codec: MessageCodec | null;
  /** Goes before the items of a blob; null: nothing does. */
  readonly head: { readonly value: unknown; readonly codec: MessageCodec } | null;
  /** How items are compressed. Asked for each, since it is known only from the peer's HELLO on. */
  compression(): MethodCompression;
  /** Of long items those of higher priority go first. */
  priority(): number;
  /** Every item is written. Not when the stream was stopped. */
  onSourceEnd(): void;
  /** The iterable threw, perhaps after the stream was stopped. */
  onSourceError(error: unknown): void;
  /** An item cannot be sent: it does not match its schema, is too long, or no credit can come any more. */
  onUnsendable(error: unknown): void;
}

type SourceState = 'new' | 'writing' | 'noCredit' | 'inLine' | 'noRoom' | 'noLimits' | 'leaving' | 'ended' | 'stopped';

const afterPause = ['writing', 'stopped'] as const;
const steps: Steps<SourceState> = {
  new: ['writing', 'stopped'],
  writing: ['noCredit', 'inLine', 'noRoom', 'noLimits', 'leaving', 'ended', 'stopped'],
  noCredit: afterPause,
  inLine: afterPause,
  noRoom: afterPause,
  noLimits: afterPause,
  leaving: afterPause,
  ended: [],
  stopped: [],
};

export class OutgoingStream implements StreamInLine {
  private state: SourceState = 'new';
  private readonly codec: MessageCodec | null;
  /** Why an item cannot be sent; null: there is none. */
  private problem: unknown = null;
  /** Ends the pause of a stream that waits. */
  private wake: (() => void) | null = null;
  /** The item that leaves in several frames. */
  private long: LongMessage | null = null;
  /** No credit can come any more: the peer has ended its half. */
  private noMoreCredit = false;

  constructor(
    private readonly link: StreamLink,
    private readonly call: number,
    readonly window: SendWindow,
    private readonly owner: SourceOwner,
  ) {
    this.codec = owner.codec;
    window.share = FIRST_SHARE_BYTES;
  }

  private get stopped(): boolean {
    return this.state === 'stopped';
  }

  /** Writes until the iterable ends. Resolves when it has ended or was stopped, and never rejects. */
  run(): Promise<void> {
    // Behind an `await` an async function goes on in the context in which it began.
    return this.owner.source.context.run(() => this.begin());
  }

  private async begin(): Promise<void> {
    const { owner } = this;
    const { head, source } = owner;
    if (this.stopped) return;
    this.transition('writing');
    try {
      source.open();
      if (head === null || (await this.writeHead(head.value, head.codec))) await this.writeItems(source);
    } catch (error) {
      source.fail(error);
      this.finish();
      if (!source.left || !isPrematureClose(error)) owner.onSourceError(error);
      return;
    }
    if (this.finish()) {
      if (this.problem === null) {
        owner.onSourceEnd();
        return;
      }
      owner.onUnsendable(this.problem);
    }
    await source.end();
  }

  /** Nothing more is written. False: the stream was stopped. */
  private finish(): boolean {
    this.leaveTurns();
    if (this.stopped) return false;
    this.transition('ended');
    return true;
  }

  private async writeItems(source: Source): Promise<void> {
    const { window, codec } = this;
    const { isAsync } = source;
    while (!this.stopped) {
      const taken = isAsync ? await source.takeAsync() : source.take();
      if (taken.done) {
        source.finish();
        break;
      }
      if (this.stopped) break;
      const waits = window.left < CREDIT_BYTES_MIN || window.share <= 0;
      // It may have been stopped between the two promises.
      if (waits && (!(await this.untilReady()) || this.stopped)) break;
      if (!this.write(taken.value, codec) && !(await this.writeRest(taken.value, codec))) break;
    }
  }

  /**
   * Writes nothing more, drops an item that is half written, and ends the iterable, unless nothing was taken from it: then the next
   * attempt of the call may need it, and whoever handed it over ends it.
   */
  stop(): void {
    const { state, long } = this;
    if (state === 'stopped' || state === 'ended') return;
    this.transition('stopped');
    if (long !== null) this.link.sender.drop(long);
    this.long = null;
    this.resolvePause();
    // What waits inside `next` is ended too; a generator that waits for something else ends when that is over.
    if (state !== 'new') void this.owner.source.end();
  }

  /** CREDIT came. Throws a `WireError` for too much or too often. */
  onCredit(bytes: number): void {
    this.window.give(bytes);
    this.onMoreCredit();
  }

  /** The receiver's HELLO is here: it may take longer items, and `bytes` more of them, than was assumed. */
  widen(bytes: number): void {
    this.window.widen(bytes);
    if (this.state === 'noLimits') this.goOn();
    else this.onMoreCredit();
  }

  private onMoreCredit(): void {
    const { state } = this;
    if (state === 'leaving' || state === 'noRoom') this.link.sender.pump();
    else if (state === 'noCredit' && this.window.left >= CREDIT_BYTES_MIN) this.goOn();
  }

  /** The peer has ended its half: what needs more credit than there is can never be written. */
  onReadEnd(): void {
    this.noMoreCredit = true;
    if (this.state === 'noCredit') {
      this.goOn();
    } else if (this.long !== null && lacksCredit(this.long)) {
      this.giveUp(this.long);
      this.goOn();
    }
  }

  private giveUp(long: LongMessage): void {
    this.link.sender.drop(long);
    this.long = null;
    this.problem = noCreditError();
  }

  onTurn(): void {
    if (this.stopped) this.leaveTurns();
    else this.goOn();
  }

  private transition(to: SourceState): void {
    this.state = step('a stream that is sent', steps, this.state, to);
  }

  /** Waits in this state until `goOn` or `stop`. */
  private pause(state: SourceState): Promise<void> {
    this.transition(state);
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private goOn(): void {
    this.transition('writing');
    this.resolvePause();
  }

  private resolvePause(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }

  /** False: the stream ends here. */
  private async untilReady(): Promise<boolean> {
    const { window } = this;
    while (!this.stopped) {
      if (window.left < CREDIT_BYTES_MIN) {
        if (this.noMoreCredit) {
          this.problem = noCreditError();
          return false;
        }
        await this.pause('noCredit');
      } else if (window.share <= 0) {
        this.link.turns.enter(this);
        await this.pause('inLine');
      } else {
        return true;
      }
    }
    return false;
  }

  /** True: the item has left in one frame. */
  private write(item: unknown, codec: MessageCodec | null): boolean {
    const { sender } = this.link;
    try {
      this.long =
        codec === null
          ? sender.sendPieces(this.call, item, this.owner.source.lends, this.window)
          : sender.sendItem(this.call, codec, item, this.owner.compression(), this.window);
    } catch (error) {
      this.problem = error;
      return false;
    }
    return this.long === null;
  }

  private async writeHead(value: unknown, codec: MessageCodec): Promise<boolean> {
    this.link.sender.corkTick();
    return (
      (await this.untilReady()) && !this.stopped && (this.write(value, codec) || (await this.writeRest(value, codec)))
    );
  }

  /** An item that did not leave in one frame. False: the stream ends here. */
  private async writeRest(item: unknown, codec: MessageCodec | null): Promise<boolean> {
    for (;;) {
      if (this.long === LATER) await this.pauseForRoom();
      else if (this.mayFitLater(this.problem)) await this.pauseForLimits();
      else break;
      if (this.stopped) return false;
      if (this.write(item, codec)) return true;
    }
    const { long } = this;
    if (long === null) return false;
    if (this.noMoreCredit && lacksCredit(long)) {
      this.giveUp(long);
      return false;
    }
    long.priority = this.owner.priority();
    long.onSent = () => {
      this.long = null;
      this.goOn();
    };
    await this.pause('leaving');
    return !this.stopped && this.problem === null;
  }

  private pauseForRoom(): Promise<void> {
    this.long = null;
    this.link.turns.awaitRoom(() => {
      if (this.state === 'noRoom') this.goOn();
    });
    return this.pause('noRoom');
  }

  private pauseForLimits(): Promise<void> {
    this.problem = null;
    return this.pause('noLimits');
  }

  /** The item is too long for the protocol's minimum limits, perhaps not for this peer's own. */
  private mayFitLater(error: unknown): boolean {
    return this.link.state === 'greeting' && error instanceof RpcError && error.limit !== undefined;
  }

  private leaveTurns(): void {
    this.link.turns.leave(this.window.share);
    this.window.share = 0;
  }
}

/** Its credit does not cover the rest of it. */
function lacksCredit(long: LongMessage): boolean {
  return long.affordable < long.body.length - long.at;
}

function noCreditError(): RpcError {
  return new RpcError(
    'UNAVAILABLE',
    'the peer ended its half of the connection before the stream, and gives no more credit',
  );
}
