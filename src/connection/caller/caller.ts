/**
 * The caller's half of a connection: the calls that this side opened.
 *
 *   call() --> CallQueue --> slot in use --RESPONSE, FAILURE--> free
 *                 |              |                                 ^
 *              deadline,     deadline, signal --> given up --------+   (the promise is settled at once; the slot is free
 *              signal: fails                   RESPONSE, FAILURE       only after the callee's one terminal frame)
 *
 * Each call settles exactly once: whoever settles takes the resolvers out of the slot first. Slots are objects that stay, so
 * the usual call allocates its promise and nothing else.
 */

import type { CancelSignal } from '../../base/cancel-signal.js';
import { RpcError } from '../../base/errors.js';
import { minimumLimits } from '../../base/limits.js';
import type { SweepTimer } from '../../base/sweep-timer.js';
import { callNumber, nextGeneration, type OpenerBit } from '../../wire/call-number.js';
import { CloseCode, Flag } from '../../wire/constants.js';
import { describeUnaskedLedger } from '../../wire/frame-rules.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import type { EndOfCalls } from '../calls/end-of-calls.js';
import { type LeftCall, leftCall } from '../calls/left-call.js';
import type { Link } from '../calls/link.js';
import type { GivenBack, Reject, Resolve } from '../calls/pending-call.js';
import { abortError, type CallExtras, listenForAbort, PendingCall } from '../calls/pending-call.js';
import { LATER, type LongMessage } from '../messages/frame-scheduler.js';
import type { OutgoingMethod, OutgoingMethods } from '../methods/outgoing-methods.js';
import { type CallEnds, CallSlot, CallTable, settled } from './call-table.js';
import { CallerDeadlines } from './caller-deadlines.js';
import { afterFailure, endHere, givenBackCall, isRepeatable, tellTried, triedIn } from './caller-ends.js';
import { CallerStreams } from './caller-streams.js';
import { CancelPacer } from './cancel-pacer.js';
import { copyOf, isRefused, readFailure, refusal, unreadable, unsendable } from './failures.js';
import { RequestWatch } from './request-watch.js';
import { ResponseReceiver, takesBareValue } from './response-receiver.js';
import { sendRequest } from './send-request.js';
import { WaitingCalls } from './waiting-calls.js';

// A promise's resolvers without a closure per call: the executor puts them into the slot of the call that is being made.
let filled = new CallSlot(0);
const fillSlot = (resolve: Resolve, reject: Reject): void => {
  filled.resolve = resolve;
  filled.reject = reject;
};

export class Caller implements CallEnds {
  /** Calls that ended with a RESPONSE. */
  finished = 0;
  private readonly table: CallTable;
  private readonly timer: SweepTimer;
  private readonly deadlines: CallerDeadlines;
  private readonly waiting: WaitingCalls;
  private readonly cancels: CancelPacer;
  private readonly receiver: ResponseReceiver;
  private readonly requests: RequestWatch;
  readonly streams: CallerStreams;
  private starting = false;

  constructor(
    private readonly link: Link,
    private readonly methods: OutgoingMethods,
    private readonly openerBit: OpenerBit,
  ) {
    this.table = new CallTable(link.peerLimits.callsInFlightMax);
    this.deadlines = new CallerDeadlines(link, this.table, this, (now) => this.waiting.sweep(now));
    this.timer = this.deadlines.timer;
    this.waiting = new WaitingCalls(link, this.timer);
    link.sender.onRoom(() => this.waiting.resumeLarge(this));
    this.receiver = new ResponseReceiver(link, this);
    this.requests = new RequestWatch(link);
    this.streams = new CallerStreams(link, this.table, this);
    this.cancels = new CancelPacer(
      link,
      (call) => this.table.slots[call & 0xffff]?.call === call,
      () => this.finished,
    );
  }

  /** Slots in use, those of calls given up included. */
  get inFlight(): number {
    return this.table.inUse;
  }

  /** Calls that have not been sent. */
  get queued(): number {
    return this.waiting.length;
  }

  /** Makes one call. Never throws; everything that goes wrong is a rejection with an `RpcError`. */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    this.readClock();
    const entry = this.admit(deadlineMs, extras);
    const deadlineAt = this.link.now + deadlineMs;
    if (entry === null) {
      return new Promise((resolve, reject) => {
        this.putOff(new PendingCall(spec, request, deadlineAt, extras, resolve, reject), deadlineMs);
      });
    }
    filled = entry;
    const promise = new Promise(fillSlot);
    entry.deadlineAt = deadlineAt;
    this.begin(entry, spec, request, deadlineMs, extras);
    return promise;
  }

  /** Once per batch of calls. What else began the batch, such as an answer, has not read the clock. */
  private readClock(): void {
    const { link } = this;
    if (link.queue.isFirstCallOfBatch()) link.noteTime(link.clock.now());
  }

  /** The same for a call that has waited elsewhere. */
  resume(call: PendingCall): void {
    this.readClock();
    const remainingMs = call.deadlineAt - this.link.now;
    const entry = this.admit(remainingMs, call.extras);
    if (entry === null) this.putOff(call, remainingMs);
    else this.beginPending(entry, call, remainingMs);
  }

  /** The peer's HELLO is here: it may accept more calls than the protocol's minimum. */
  onPeerLimits(): void {
    const { callsInFlightMax, streamWindowBytes } = this.link.peerLimits;
    this.table.slotsMax = callsInFlightMax;
    this.streams.widen(streamWindowBytes - minimumLimits.streamWindowBytes);
    this.waiting.resumeLarge(this);
    this.startWaiting();
  }

  onResponse(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.table.slots[call & 0xffff];
    if (entry === undefined || entry.call !== call) {
      this.link.fail(CloseCode.CALL_NUMBER, `RESPONSE for call ${call}, which is not open`);
      return;
    }
    const method = entry.method as OutgoingMethod;
    const { extras } = entry;
    const special = extras !== null && !takesBareValue(extras);
    if (flags !== 0 || entry.givenUp || entry.message !== null || special || method.state !== 'ready') {
      this.receiver.receive(entry, method, flags, buffer, start, end);
      return;
    }
    const { resolve, reject, since } = entry;
    this.finished++;
    this.release(entry);
    let value: unknown;
    try {
      value = method.response.decode(buffer, start, end);
    } catch (error) {
      const failure = unreadable(method, error);
      endHere(this.link, { since, earlier: extras?.attempts }, failure);
      reject(failure);
      return;
    }
    const { link } = this;
    link.stats.onAnswer(link.now, link.now - since);
    resolve(value);
  }

  onFailure(call: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const entry = this.table.slots[call & 0xffff];
    if (entry === undefined || entry.call !== call || entry.answered) {
      this.link.fail(CloseCode.CALL_NUMBER, `FAILURE for call ${call}, which is not open`);
      return;
    }
    if ((flags & Flag.LEDGER) !== 0 && entry.ledgerCall !== call) {
      this.link.fail(CloseCode.FLAGS, describeUnaskedLedger('FAILURE'));
      return;
    }
    if (this.streams.holdEnd(entry, buffer, start, end, (held) => this.onFailure(call, flags, held, 0, held.length)))
      return;
    const failure = readFailure(this.link, entry, flags, buffer, start, end);
    this.end(entry, failure, entry.givenUp ? null : afterFailure(this.link, entry, failure));
  }

  /** The write queue has drained: waiting calls may go on. */
  onDrain(): void {
    this.startWaiting();
  }

  /** The peer takes no more calls; those that wait have not been sent. */
  onPeerDrain(): void {
    const text = `${this.link.peer} is draining`;
    const describe = (): RpcError => new RpcError('UNAVAILABLE', text, { elsewhere: true });
    this.waiting.end(describe, true);
    for (const entry of this.table.slots) {
      // The callee has never heard of the number, which is given again.
      if (entry.call === 0 || entry.long === null || entry.long.begun) continue;
      entry.generation--;
      this.end(entry, describe(), 'moved');
    }
  }

  /** The connection is over. */
  close(end: EndOfCalls): void {
    const { link } = this;
    this.cancels.close();
    this.requests.close();
    const { movable, blamed } = end;
    // One moment, so that they count as one failure.
    const now = link.clock.now();
    this.waiting.end(() => end.failure(false), movable);
    for (const entry of this.table.slots) {
      if (entry.call === 0) continue;
      const left = link.queue.isHandedOver(entry.position);
      const failure = end.failure(left);
      if (blamed && !entry.givenUp) link.stats.onFailure(now, failure.code);
      const why = left ? (isRepeatable(entry) ? 'failed' : null) : 'moved';
      this.end(entry, failure, movable ? why : null);
    }
    this.deadlines.close();
  }

  /** The calls that were sent and have no answer. */
  left(now: number): LeftCall[] {
    const open = this.table.slots.filter(({ call, givenUp }) => call !== 0 && !givenUp);
    return open.map(({ method, since }) => leftCall('out', method?.spec, this.link.peer, now - since, 'running'));
  }

  /** Fails the call of this slot; with a `why` whoever owns the connection may make it again. */
  private end(entry: CallSlot, failure: RpcError, why: GivenBack | null): void {
    const { reject } = entry;
    // The attempts of a call that was given up are told by whoever gave it up.
    if (!entry.givenUp) tellTried(this.link, triedIn(entry), failure);
    const call = why === null ? null : givenBackCall(entry, failure.attempts);
    this.release(entry);
    if (call === null || why === null) reject(failure);
    else this.link.giveBack(call, failure, why);
  }

  /** The slot of a call that may be sent now; null: it has to wait, or is refused. */
  private admit(remainingMs: number, extras: CallExtras | null): CallSlot | null {
    const { link } = this;
    const usual = link.state === 'open' && remainingMs > 0 && extras === null;
    if (!usual && isRefused(link, remainingMs, extras)) return null;
    if (this.waiting.forSlot.length !== 0 || link.queue.saturated) return null;
    return this.table.take();
  }

  /** What becomes of a call that was not admitted. */
  private putOff(call: PendingCall, remainingMs: number): void {
    const { link, waiting } = this;
    if (isRefused(link, remainingMs, call.extras)) call.fail(refusal(link, remainingMs, call.extras));
    else waiting.add(waiting.forSlot, call);
  }

  private beginPending(entry: CallSlot, call: PendingCall, remainingMs: number): void {
    entry.resolve = call.resolve;
    entry.reject = call.reject;
    entry.deadlineAt = call.deadlineAt;
    this.begin(entry, call.spec, call.request, remainingMs, call.extras);
  }

  /** Sends the request on a slot that has its deadline and its promise's resolvers. */
  private begin(
    entry: CallSlot,
    spec: MethodSpec,
    request: unknown,
    remainingMs: number,
    extras: CallExtras | null,
  ): void {
    const { link } = this;
    const generation = nextGeneration(entry.generation);
    const call = callNumber(this.openerBit, generation, entry.slot);
    entry.call = call;
    entry.givenUp = false;
    entry.position = Infinity;
    entry.extras = extras;
    entry.request = request;
    entry.since = link.now;
    let long: LongMessage | null;
    try {
      const method = this.methods.bound[spec.ordinal] ?? this.methods.bind(spec);
      if (method.failure !== null) throw copyOf(method.failure);
      entry.method = method;
      long = sendRequest(link, method, call, request, remainingMs, extras);
    } catch (error) {
      // The value has closed the connection, and its call was settled with all others.
      if (entry.call !== call) return;
      const early = link.state === 'greeting' && error instanceof RpcError && error.limit !== undefined;
      const unsent = this.takeBack(entry, spec);
      // Too much for the protocol's minimum limits, perhaps not for this peer's own.
      if (early) this.waiting.add(this.waiting.tooLarge, unsent);
      else unsent.fail(unsendable(spec, error));
      return;
    }
    if (entry.call !== call) return;
    if (long === LATER) {
      this.waiting.add(this.waiting.tooLarge, this.takeBack(entry, spec));
      return;
    }
    entry.generation = generation;
    if (long !== null) this.sendOn(entry, call, long);
    else entry.position = link.queue.position;
    if (spec.kind === 'oneway' && long === null) {
      const { resolve } = entry;
      this.release(entry);
      resolve(undefined);
      return;
    }
    this.timer.watch(entry.deadlineAt);
    if (extras === null || spec.kind === 'oneway') return;
    if (extras.ledger != null) this.requests.add(entry, extras.ledger);
    if (extras.signal !== null) this.watchAbort(entry, call, extras.signal);
    if (entry.call === call && spec.kind !== 'unary') this.streams.begin(entry, call, entry.method, extras);
  }

  /** Nothing of its request was sent: the slot goes back as it was. */
  private takeBack(entry: CallSlot, spec: MethodSpec): PendingCall {
    const { request, deadlineAt, extras, resolve, reject } = entry;
    this.release(entry);
    return new PendingCall(spec, request, deadlineAt, extras, resolve, reject);
  }

  private sendOn(entry: CallSlot, call: number, long: LongMessage): void {
    entry.long = long;
    long.priority = entry.extras?.priority ?? 0;
    long.onSent = () => {
      if (entry.call !== call) return;
      entry.long = null;
      entry.position = this.link.queue.position;
      void entry.outgoing?.run();
      if (entry.method?.spec.kind !== 'oneway') return;
      const { resolve } = entry;
      this.release(entry);
      resolve(undefined);
    };
  }

  /** Frees the slot and forgets everything of its call. */
  release(entry: CallSlot): void {
    entry.call = 0;
    entry.resolve = settled;
    entry.reject = settled;
    entry.request = undefined;
    entry.method = null;
    if (entry.extras !== null || entry.long !== null || entry.message !== null) entry.forget(this.link.sender);
    entry.incoming = null;
    this.table.give(entry);
    if (this.waiting.forSlot.length !== 0) this.startWaiting();
  }

  private startWaiting(): void {
    const { link } = this;
    const { forSlot } = this.waiting;
    // A call that cannot be encoded gives its slot back at once; the loop below goes on with it, not a nested one.
    if (this.starting) return;
    this.starting = true;
    while (forSlot.length > 0 && !link.queue.saturated) {
      const entry = this.table.take();
      if (entry === null) break;
      const call = forSlot.shift();
      const remainingMs = call === undefined ? 0 : call.deadlineAt - link.now;
      if (call === undefined || !(remainingMs > 0)) {
        this.table.give(entry);
        call?.fail(refusal(link, remainingMs, call.extras));
      } else {
        this.beginPending(entry, call, remainingMs);
      }
    }
    this.starting = false;
  }

  private watchAbort(entry: CallSlot, call: number, signal: CancelSignal): void {
    entry.onAbort = () => {
      if (entry.call !== call || entry.givenUp) return;
      const started = entry.long !== null ? 'no' : entry.incoming?.begun ? 'yes' : 'maybe';
      const error = abortError(signal, started);
      endHere(this.link, triedIn(entry), error);
      entry.incoming?.fail(error, true);
      if (this.giveUp(entry, error)) this.cancel(call);
    };
    listenForAbort(signal, entry.onAbort);
  }

  /** Settles the call for its caller. True: its slot waits for the terminal frame, and a CANCEL makes sense. */
  giveUp(entry: CallSlot, error: RpcError): boolean {
    const { reject, long, answered } = entry;
    const unsent = long !== null && !long.begun;
    if (unsent || answered) {
      // The callee has never heard of the number, which is given again.
      if (unsent) entry.generation--;
      this.release(entry);
    } else {
      entry.givenUp = true;
      entry.resolve = settled;
      entry.reject = settled;
      entry.forget(this.link.sender);
    }
    reject(error);
    return !unsent && !answered;
  }

  cancel(call: number): void {
    this.cancels.cancel(call);
  }
}
