/**
 * The caller's half of a connection: the calls that this side opens.
 *
 *   call() --> slot taken --> REQUEST sent --> RESPONSE, FAILURE or END --> slot free
 *     |                                                                       |
 *     +--> WaitingCalls: no slot, or no room in the write queue  <------------+  the next one starts
 *
 * The states of a slot are drawn in `call-table.ts`; how calls end is in `call-ends.ts`. Each call settles exactly once. This file holds
 * the way of a call up to its REQUEST, and of the usual answer back. `Connection` makes it and shows it as `caller`.
 */
import { RpcError } from '../../base/errors.js';
import { minimumLimits } from '../../base/limits.js';
import type { SweepTimer } from '../../base/sweep-timer.js';
import type { OpenerBit } from '../../wire/call-number.js';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import { describeUnaskedLedger } from '../../wire/frame-rules.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import { DEADLINE_MS_MAX } from '../../wire/prefix.js';
import { encodeMetadata } from '../../wire/records/metadata.js';
import type { EndOfCalls } from '../calls/end-of-calls.js';
import type { Link } from '../calls/link.js';
import type { Reject, Resolve } from '../calls/pending-call.js';
import { abortError, type CallExtras, PendingCall } from '../calls/pending-call.js';
import { type UnfinishedCall, unfinishedCall } from '../calls/unfinished-call.js';
import { LATER, type LongMessage } from '../messages/frame-scheduler.js';
import type { OutgoingMethod, OutgoingMethods } from '../methods/outgoing-methods.js';
import { CallEnds } from './call-ends.js';
import { ANSWERED, type CallSlot, CallTable, OPEN } from './call-table.js';
import { CallerDeadlines } from './caller-deadlines.js';
import { CallerStreams } from './caller-streams.js';
import { copyOf, hasDetail, isRefused, readFailure, refusal, unreadable, unsendable } from './failures.js';
import { RequestWatch } from './request-watch.js';
import { ResponseReceiver, takesBareValue } from './response-receiver.js';
import { WaitingCalls } from './waiting-calls.js';

// The resolver of the promise that is being made: passed through this, it needs no closure per call.
let madeResolve: Resolve;
const keepResolver = (resolve: Resolve): void => {
  madeResolve = resolve;
};

export class Caller {
  readonly streams: CallerStreams;
  private readonly table: CallTable;
  private readonly ends: CallEnds;
  private readonly timer: SweepTimer;
  private readonly waiting: WaitingCalls;
  private readonly receiver: ResponseReceiver;
  private readonly requests: RequestWatch;
  /** The batch of the write queue in which a call has read the clock; -1: none. */
  private clockBatch = -1;
  private starting = false;

  constructor(
    readonly link: Link,
    private readonly methods: OutgoingMethods,
    openerBit: OpenerBit,
  ) {
    this.table = new CallTable(link.peerLimits.callsInFlightMax, openerBit, link.sender);
    this.waiting = new WaitingCalls(link);
    this.ends = new CallEnds(link, this.table, () => {
      if (this.waiting.forSlot.length !== 0) this.startWaiting();
    });
    this.timer = new CallerDeadlines(link, this.table, this.ends, this.waiting).timer;
    this.receiver = new ResponseReceiver(link, this.table, this.ends);
    this.requests = new RequestWatch(link);
    this.streams = new CallerStreams(link, this.table, this.ends);
    link.sender.onRoom(() => this.resumeLarge());
  }

  /** Slots in use, those of cancelled calls included. */
  get inFlight(): number {
    return this.table.inUse;
  }

  /** Calls that have not been sent. */
  get queued(): number {
    return this.waiting.length;
  }

  /** Calls whose answer was read in full. */
  get finished(): number {
    return this.table.finished;
  }

  /**
   * Calls a method of the peer. `deadlineMs`: milliseconds from now; Infinity for none. Resolves with the response, or with a
   * `CallResult` when `extras.detailed`. Never throws: everything that goes wrong is a rejection with an `RpcError`.
   */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    this.readClock();
    const promise = new Promise(keepResolver);
    this.start(spec, request, this.link.now + deadlineMs, deadlineMs, extras, madeResolve, null);
    return promise;
  }

  /** The same for a call that has waited elsewhere. */
  resume(call: PendingCall): void {
    this.readClock();
    const { spec, request, deadlineAt, extras, resolve, reject } = call;
    this.start(spec, request, deadlineAt, deadlineAt - this.link.now, extras, resolve, reject);
  }

  /** The peer's HELLO was read: it may accept more calls than the protocol's minimum. */
  onPeerLimits(): void {
    const { callsInFlightMax, streamWindowBytes } = this.link.peerLimits;
    this.table.slotsMax = callsInFlightMax;
    this.streams.widen(streamWindowBytes - minimumLimits.streamWindowBytes);
    this.resumeLarge();
    this.startWaiting();
  }

  onResponse(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.table.slots[call & 0xffff];
    if (entry === undefined || entry.call !== call) {
      this.link.fail(CloseCode.CALL_NUMBER, `RESPONSE for call ${call}, which is not open`);
      return;
    }
    const { method, extras } = entry;
    const special = extras !== null && !takesBareValue(extras);
    if (flags !== 0 || entry.state !== OPEN || special || !method.direct) {
      this.receiver.receive(entry, flags, buffer, start, end);
      return;
    }
    let value: unknown;
    try {
      value = method.response.decode(buffer, start, end);
    } catch (error) {
      if (entry.call === call) this.ends.failAnswered(entry, unreadable(method, error));
      return;
    }
    // Decoding may have run code of the application, which closed the connection.
    if (entry.call !== call) return;
    const { link } = this;
    const { resolve, since } = entry;
    this.table.finish(entry);
    if (this.waiting.forSlot.length !== 0) this.startWaiting();
    link.stats.onAnswer(link.now, link.now - since);
    resolve(value);
  }

  onFailure(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.table.find(call);
    if (entry === undefined || entry.state === ANSWERED) {
      this.link.fail(CloseCode.CALL_NUMBER, `FAILURE for call ${call}, which is not open`);
      return;
    }
    if ((flags & Flag.LEDGER) !== 0 && entry.ledgerCall !== call) {
      this.link.fail(CloseCode.FLAGS, describeUnaskedLedger('FAILURE'));
      return;
    }
    const fail = (payload: Buffer, from: number, to: number): void =>
      this.ends.fail(entry, readFailure(this.link, entry, flags, payload, from, to));
    const needsSchema = entry.method.state === 'resolving' && hasDetail(this.link, entry, flags, buffer, start, end);
    if (!this.streams.holdEnd(entry, buffer, start, end, fail, needsSchema)) fail(buffer, start, end);
  }

  /** The write queue has drained: waiting calls may go on. */
  onDrain(): void {
    this.startWaiting();
  }

  /** The peer accepts no more calls. */
  onPeerDrain(): void {
    const text = `${this.link.peer} is draining`;
    const describe = (): RpcError => new RpcError('UNAVAILABLE', text, { elsewhere: true });
    this.waiting.end(describe, true);
    this.ends.onPeerDrain(describe);
  }

  /** The connection is over, or the peer has ended its half. */
  close(end: EndOfCalls): void {
    this.requests.close();
    this.waiting.end(() => end.failure(false), end.retryable);
    this.ends.close(end);
    this.timer.stop();
  }

  /** The calls that have a slot and wait for their answer. */
  unfinished(now: number): UnfinishedCall[] {
    const live = this.table.slots.filter(({ isLive }) => isLive);
    return live.map(({ spec, since }) => unfinishedCall('out', spec, this.link.peer, now - since, 'running'));
  }

  /** The application waits for the end of some call. */
  get isWaiting(): boolean {
    return this.waiting.length > 0 || (this.table.inUse > 0 && this.table.slots.some(({ isUnsettled }) => isUnsettled));
  }

  /**
   * Once per batch of calls: reads the clock, and sees to it that the process does not end before them. What else began the batch, such
   * as an answer, did not read it.
   */
  private readClock(): void {
    const { link } = this;
    const { queue } = link;
    if (queue.due && queue.batch === this.clockBatch) return;
    link.noteTime(link.clock.now());
    if (link.hold.idle) link.hold.begin();
    this.clockBatch = queue.due ? queue.batch : -1;
  }

  private start(
    spec: MethodSpec,
    request: unknown,
    deadlineAt: number,
    remainingMs: number,
    extras: CallExtras | null,
    resolve: Resolve,
    reject: Reject | null,
  ): void {
    const { link } = this;
    const usual = link.state === 'open' && remainingMs > 0 && extras === null;
    const refused = !usual && isRefused(link, remainingMs, extras);
    if (!refused && this.waiting.forSlot.length === 0 && !link.queue.saturated) {
      const entry = this.table.take(spec, request, deadlineAt, extras, link.now, resolve, reject);
      if (entry !== null) {
        this.send(entry, spec, request, remainingMs, extras);
        return;
      }
    }
    const call = new PendingCall(spec, request, deadlineAt, extras, resolve, reject);
    if (refused) {
      call.fail(refusal(link, remainingMs, extras));
      return;
    }
    this.waiting.forSlot.push(call);
    this.timer.watch(deadlineAt);
  }

  /** Sends the request of a call that has just taken its slot. */
  private send(
    entry: CallSlot,
    spec: MethodSpec,
    request: unknown,
    remainingMs: number,
    extras: CallExtras | null,
  ): void {
    const { link, table } = this;
    const { call } = entry;
    let method: OutgoingMethod;
    let long: LongMessage | null;
    try {
      method = this.methods.bound[spec.ordinal] ?? this.methods.bind(spec);
      if (method.failure !== null) throw copyOf(method.failure);
      long = this.writeRequest(method, call, request, remainingMs, extras);
    } catch (error) {
      // Encoding may have run code of the application, which closed the connection and so ended the call.
      if (entry.call === call) this.onUnsendable(entry, error);
      return;
    }
    if (entry.call !== call) return;
    if (long === LATER) {
      this.putOff(entry);
      return;
    }
    if (long === null) table.sent(entry, method, link.queue.position);
    else this.sendLong(entry, method, long, extras);
    if (spec.kind === 'oneway' && long === null) {
      this.ends.written(entry);
      return;
    }
    if (entry.deadlineAt < this.timer.earliest) this.timer.watch(entry.deadlineAt);
    if (extras !== null && spec.kind !== 'oneway') this.beginExtras(entry, call, extras);
  }

  /** Returns and throws as `MessageSender.send`. */
  private writeRequest(
    method: OutgoingMethod,
    call: number,
    request: unknown,
    remainingMs: number,
    extras: CallExtras | null,
  ): LongMessage | null {
    const { link } = this;
    const { number, body, compression } = method;
    const wireMs =
      remainingMs <= DEADLINE_MS_MAX ? Math.ceil(remainingMs) : remainingMs === Infinity ? -1 : DEADLINE_MS_MAX;
    const marks = extras?.ledger ?? null;
    const flags = method.spec.kind === 'oneway' ? Flag.ONEWAY : marks === null ? 0 : Flag.LEDGER;
    const metadata =
      extras === null || extras.metadata === null ? null : encodeMetadata(extras.metadata, link.peerLimits);
    const { REQUEST } = FrameType;
    marks?.beginEncoding();
    const long = link.sender.send(REQUEST, flags, call, number, body, request, wireMs, metadata, compression);
    marks?.endEncoding();
    return long;
  }

  /** The request leaves in several frames. */
  private sendLong(entry: CallSlot, method: OutgoingMethod, long: LongMessage, extras: CallExtras | null): void {
    const { call } = entry;
    this.table.sending(entry, method, long);
    long.priority = extras?.priority ?? 0;
    long.onBegun = () => this.table.begun(entry);
    long.onSent = () => {
      if (entry.call !== call) return;
      this.table.sentLong(entry, this.link.queue.position);
      void entry.outgoing?.run();
      if (method.spec.kind === 'oneway') this.ends.written(entry);
    };
  }

  /** What only some calls have begins with the request sent: its ledger, its signal, its streams. */
  private beginExtras(entry: CallSlot, call: number, extras: CallExtras): void {
    const { ledger, signal } = extras;
    if (ledger != null) this.requests.add(entry, ledger);
    if (signal !== null) {
      this.table.listen(entry, signal, () => {
        if (entry.call !== call || !entry.isLive) return;
        const started = entry.long !== null ? 'no' : entry.incoming?.begun ? 'yes' : 'maybe';
        this.ends.cancel(entry, abortError(signal, started));
      });
    }
    if (entry.call === call && entry.spec.kind !== 'unary') this.streams.begin(entry, extras);
  }

  private onUnsendable(entry: CallSlot, error: unknown): void {
    const early = this.link.state === 'greeting' && error instanceof RpcError && error.limit !== undefined;
    // Too much for the protocol's minimum limits, perhaps not for this peer's own.
    if (early) this.putOff(entry);
    else this.ends.takeBack(entry).fail(unsendable(entry.spec, error));
  }

  /** The request is too large for now. */
  private putOff(entry: CallSlot): void {
    const call = this.ends.takeBack(entry);
    this.waiting.tooLarge.push(call);
    this.timer.watch(call.deadlineAt);
  }

  /** Each call once: one that is still too large waits again, at the end. */
  private resumeLarge(): void {
    const { tooLarge } = this.waiting;
    for (let left = tooLarge.length; left > 0 && !this.link.sender.isFull(); left--) {
      const call = tooLarge.shift();
      call?.inContext(this.resumeNow);
    }
  }

  /** Starts waiting calls while there are free slots and room in the write queue. */
  private startWaiting(): void {
    const { link, table } = this;
    const { forSlot } = this.waiting;
    // A call that cannot be encoded frees its slot at once: the loop below goes on with that, not a nested one.
    if (this.starting) return;
    this.starting = true;
    while (forSlot.length > 0 && !link.queue.saturated && table.hasRoom) {
      const call = forSlot.shift();
      if (call === undefined) break;
      call.inContext(this.startNow);
    }
    this.starting = false;
  }

  private readonly resumeNow = (call: PendingCall): void => this.resume(call);

  private readonly startNow = (call: PendingCall): void => {
    const { link } = this;
    const { spec, request, deadlineAt, extras, resolve, reject } = call;
    const remainingMs = deadlineAt - link.now;
    if (!(remainingMs > 0)) {
      call.fail(refusal(link, remainingMs, extras));
      return;
    }
    const entry = this.table.take(spec, request, deadlineAt, extras, link.now, resolve, reject);
    if (entry !== null) this.send(entry, spec, request, remainingMs, extras);
  };
}
