/**
 * Handlers at work: runs them, counts them until they end, and hands what they return to `Answers`. A synchronous handler's
 * call is answered before `run` returns and never enters a slot; a promise makes its slot RUNNING until it settles, and
 * an answer that cannot be written yet makes it ANSWERING.
 */
import { RpcError } from '../../base/errors.js';
import type { SweepTimer } from '../../base/sweep-timer.js';
import type { Admission } from '../../resilience/admission/admission.js';
import type { MessageCodec, MethodSpec } from '../../wire/message-codec.js';
import { CallContext } from '../calls/call-context.js';
import type { CallHost, HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { LATER } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import type { IncomingMethod } from '../methods/incoming-methods.js';
import { Answers } from './answers.js';
import { type CalleeSlot, Phase } from './callee-slot.js';
import { DetachedHandlers } from './detached-handlers.js';

export class Execution {
  /** Handlers that have not ended, those of calls that were cancelled included. */
  executing = 0;
  /** Calls that have not got their terminal frame. */
  inFlight = 0;
  readonly answers: Answers;
  readonly detached = new DetachedHandlers();
  /** Answers that wait for room in the write queue. */
  private readonly ready: (() => void)[] = [];
  /** Answers that wait for long ones before them to leave. */
  private readonly readyLong: (() => void)[] = [];
  /** ONEWAY requests that found all handlers busy; reading is paused until they have run. */
  private readonly heldOneways: (() => void)[] = [];
  private placeDue = false;

  constructor(
    private readonly link: Link,
    private readonly host: CallHost | null,
    private readonly deadlines: SweepTimer,
    private readonly admission: Admission,
  ) {
    this.answers = new Answers(link, host);
    link.sender.onRoom(() => this.onRoom());
  }

  /** Decodes the request (`message`: when it is not the usual one), runs the handler, and answers unless the handler returned a promise. */
  run(
    entry: CalleeSlot,
    method: IncomingMethod,
    buffer: Buffer,
    start: number,
    end: number,
    deadlineAt: number,
    message: IncomingMessage | null,
  ): void {
    const hosted = method.hosted as HostedMethod;
    let request: unknown;
    try {
      const codec = method.request as MessageCodec;
      request = message === null ? codec.decode(buffer, start, end) : message.decode(codec);
    } catch (error) {
      if (this.link.chargeReset() && hosted.spec.kind !== 'oneway')
        this.answers.fail(entry.call, asRefusal(error), 'no');
      return;
    }
    const context = new CallContext(this.link, deadlineAt, message === null ? null : message.metadata);
    const { ledgers } = this.answers;
    if (ledgers.open !== 0) ledgers.handlerStarts(entry.call);
    let result: unknown;
    try {
      result = hosted.invoke(request, context);
    } catch (error) {
      this.answers.failThrown(entry.call, error, hosted.spec, context);
      return;
    }
    if (isThenable(result)) {
      this.await(entry, method, hosted, context, deadlineAt, result);
    } else if (hosted.spec.kind !== 'oneway') {
      this.answer(entry, method, hosted, context, result);
    }
  }

  private await(
    entry: CalleeSlot,
    method: IncomingMethod,
    hosted: HostedMethod,
    context: CallContext,
    deadlineAt: number,
    result: PromiseLike<unknown>,
  ): void {
    this.onHandlerBegin();
    if (hosted.spec.kind === 'oneway') {
      this.detached.add(context, hosted.spec, this.link.now);
    } else {
      entry.phase = Phase.RUNNING;
      entry.context = context;
      entry.method = method;
      entry.deadlineAt = deadlineAt;
      entry.since = this.link.now;
      this.inFlight++;
      if (deadlineAt !== Infinity) this.deadlines.watch(deadlineAt);
    }
    const { admission } = this;
    result.then(
      (value) => {
        if (entry.context === context) {
          if (admission.isTimed()) admission.observe(hosted, this.link.clock.now() - entry.since);
          this.leave(entry);
          this.answer(entry, method, hosted, context, value);
        }
        this.onHandlerEnd(context);
      },
      (error: unknown) => {
        if (entry.context === context) {
          this.leave(entry);
          this.answers.failThrown(entry.call, error, hosted.spec, context);
        } else {
          this.reportLate(error, hosted.spec, context);
        }
        this.onHandlerEnd(context);
      },
    );
  }

  /** A handler threw whose call had ended before. */
  reportLate(error: unknown, spec: MethodSpec, context: CallContext): void {
    if (!(error instanceof RpcError) && !context.isAbort(error)) this.host?.onHandlerError(error, spec);
  }

  /** The call of this slot ends for this reason, whether or not its handler has begun or ended. */
  abandon(entry: CalleeSlot, reason: RpcError): void {
    const { phase, context, method, since, incoming } = entry;
    if (phase === Phase.RUNNING && context !== null && method?.hosted) {
      this.detached.add(context, method.hosted.spec, since);
    }
    incoming?.fail(reason, true);
    this.leave(entry);
  }

  /** A handler goes on after it was called. */
  onHandlerBegin(): void {
    this.executing++;
    this.admission.begin();
  }

  /** A handler has ended, whatever became of its call. */
  onHandlerEnd(context: CallContext): void {
    this.detached.delete(context);
    this.executing--;
    this.admission.end();
    if (this.heldOneways.length > 0) this.awaitPlace();
    this.link.onCallEnded();
  }

  /** Sends the RESPONSE, now or when the write queue has room. */
  answer(entry: CalleeSlot, method: IncomingMethod, hosted: HostedMethod, context: CallContext, value: unknown): void {
    const { link } = this;
    const { ledgers } = this.answers;
    if (ledgers.open !== 0) ledgers.handlerEnds(entry.call);
    const { saturated } = link.queue;
    const long = saturated ? LATER : this.answers.respond(entry.call, hosted.spec, method.compression, context, value);
    if (long === null) return;
    this.enter(entry, Phase.ANSWERING, method, context);
    if (long === LATER) {
      (saturated ? this.ready : this.readyLong).push(() => {
        if (entry.context !== context) return;
        this.leave(entry);
        this.answer(entry, method, hosted, context, value);
      });
      return;
    }
    entry.long = long;
    long.priority = context.priority;
    long.onSent = () => {
      if (entry.context === context) this.leave(entry);
      link.onCallEnded();
    };
  }

  /** Nobody could be told that a ONEWAY call was refused, so it waits for a handler to end, and so does everything behind it. */
  holdOneway(run: () => void): void {
    // Reading is paused behind the first; more of them have waited for a schema.
    if (this.heldOneways.push(run) === 1) this.link.pauseReading();
    this.awaitPlace();
  }

  /** A ONEWAY call may run now, behind those that wait. */
  get admitsOneway(): boolean {
    return this.executing < this.link.limits.handlersMax && this.heldOneways.length === 0 && this.admission.open;
  }

  /** The first ONEWAY call that waits needs a place of this connection, and one of the server. */
  private awaitPlace(): void {
    if (this.placeDue || this.executing >= this.link.limits.handlersMax) return;
    this.placeDue = true;
    this.admission.awaitPlace(this.onPlace);
  }

  private readonly onPlace = (): void => {
    this.placeDue = false;
    const run = this.heldOneways.shift();
    if (run === undefined) return;
    run();
    if (this.heldOneways.length > 0) this.awaitPlace();
    else this.link.resumeReading();
    this.link.onCallEnded();
  };

  /** The write queue has drained: waiting answers may go on. */
  onDrain(): void {
    const { ready, link } = this;
    while (ready.length > 0 && !link.queue.saturated) (ready.shift() as () => void)();
    link.onCallEnded();
  }

  /** Long answers have left: others may be encoded. */
  private onRoom(): void {
    const { readyLong, link } = this;
    while (readyLong.length > 0 && !link.sender.isFull()) (readyLong.shift() as () => void)();
    link.onCallEnded();
  }

  close(): void {
    this.ready.length = 0;
    this.readyLong.length = 0;
    this.heldOneways.length = 0;
  }

  /** The call of this slot has ended. */
  leave(entry: CalleeSlot): void {
    entry.leave();
    this.inFlight--;
  }

  private enter(entry: CalleeSlot, phase: Phase, method: IncomingMethod, context: CallContext): void {
    entry.phase = phase;
    entry.method = method;
    entry.context = context;
    entry.since = this.link.now;
    this.inFlight++;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise ||
    (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  );
}

/** A codec of the application's own may throw anything. */
export function asRefusal(error: unknown): RpcError {
  return error instanceof RpcError
    ? error
    : new RpcError('INTERNAL', 'the request could not be decoded', { cause: error });
}
