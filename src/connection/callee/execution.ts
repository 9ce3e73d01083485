/**
 * Runs handlers and sends what they return. The call of a synchronous handler is answered before `run` returns and, if its
 * REQUEST was plain, never enters a slot. A promise makes its call EXECUTING until it settles; an answer that cannot be written yet
 * makes it ANSWERING. `Handlers` counts the handlers, `CalleeEnds` ends the calls.
 */
import { types } from 'node:util';
import { RpcError } from '../../base/errors.js';
import type { Admission } from '../../resilience/admission/admission.js';
import { isBytesCodec, type MethodSpec } from '../../wire/message-codec.js';
import { CallContext } from '../calls/call-context.js';
import type { CallHost, HostedMethod } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { LATER } from '../messages/frame-scheduler.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import { RAW_COPIED_BYTES_MAX } from '../messages/message-sender.js';
import type { IncomingMethod, ReadyMethod } from '../methods/incoming-methods.js';
import type { Answers } from './answers.js';
import type { CalleeEnds } from './callee-ends.js';
import { type CalleeSlot, CallState } from './callee-slot.js';
import type { CalleeTable } from './callee-table.js';
import type { Handlers } from './handlers.js';

/** What runs of calls share: where they are kept, answered and ended. */
export interface CalleeParts {
  readonly table: CalleeTable;
  readonly answers: Answers;
  readonly handlers: Handlers;
  readonly ends: CalleeEnds;
}

export class Execution {
  /** Answers that wait for room in the write queue. */
  private readonly ready: (() => void)[] = [];
  /** Answers that wait for long ones before them to leave. */
  private readonly readyLong: (() => void)[] = [];

  private readonly table: CalleeTable;
  private readonly answers: Answers;
  private readonly handlers: Handlers;
  private readonly ends: CalleeEnds;

  constructor(
    private readonly link: Link,
    private readonly host: CallHost | null,
    private readonly admission: Admission,
    { table, answers, handlers, ends }: CalleeParts,
  ) {
    this.table = table;
    this.answers = answers;
    this.handlers = handlers;
    this.ends = ends;
    link.sender.onRoom(() => this.onRoom());
  }

  /**
   * Decodes the request, runs the handler, and answers unless the handler returned a promise. `message`: null for a plain REQUEST,
   * whose slot is FREE.
   */
  run(
    entry: CalleeSlot,
    method: ReadyMethod,
    buffer: Buffer,
    start: number,
    end: number,
    deadlineAt: number,
    message: IncomingMessage | null,
  ): void {
    const { hosted } = method;
    let request: unknown;
    try {
      request = message === null ? method.request.decode(buffer, start, end) : message.decode(method.request);
    } catch (error) {
      this.refuseUnreadable(entry, hosted, error);
      return;
    }
    const context = new CallContext(this.link, deadlineAt, message === null ? null : message.metadata);
    if (message !== null) this.table.execute(entry, method, context, deadlineAt);
    const { ledgers } = this.answers;
    if (ledgers.open !== 0) ledgers.handlerStarts(entry.call);
    let result: unknown;
    let later: boolean;
    try {
      result = hosted.invoke(request, context);
      later = isThenable(result);
    } catch (error) {
      this.answers.failThrown(entry.call, error, hosted.spec, context);
      this.onReturned(entry, context);
      return;
    }
    if (later) {
      if (message === null) {
        this.table.execute(entry, method, context, deadlineAt);
        if (deadlineAt !== Infinity) this.ends.deadlines.watch(deadlineAt);
      }
      this.await(entry, method, hosted, context, result);
      return;
    }
    if (hosted.spec.kind !== 'oneway') this.answer(entry, method, hosted, context, result);
    if (message !== null) this.onReturned(entry, context);
  }

  private refuseUnreadable(entry: CalleeSlot, { spec }: HostedMethod, error: unknown): void {
    const refusal = asRefusal(error);
    // A legal value that only this side cannot hold is no error of the caller's.
    if (refusal.code !== 'OUT_OF_RANGE' && !this.link.chargeReset()) return;
    if (spec.kind !== 'oneway') this.answers.fail(entry.call, refusal, 'no');
    this.ends.end(entry, null);
  }

  /** A synchronous handler has ended, and its terminal frame was written or waits. */
  private onReturned(entry: CalleeSlot, context: CallContext): void {
    if (entry.state !== CallState.ANSWERING) this.ends.end(entry, null);
    // It may have closed the connection, and then its call has ended before it.
    this.handlers.forget(context);
  }

  private await(
    entry: CalleeSlot,
    method: IncomingMethod,
    hosted: HostedMethod,
    context: CallContext,
    result: unknown,
  ): void {
    this.handlers.begin();
    if (hosted.spec.kind === 'oneway') {
      this.handlers.detach(context, hosted.spec, this.link.now);
      this.ends.end(entry, null);
    }
    const { admission } = this;
    whenSettled(
      result,
      (value) => {
        if (entry.context === context) {
          if (admission.isTimed()) admission.observe(hosted, this.link.clock.now() - entry.since);
          this.answer(entry, method, hosted, context, value);
        }
        this.handlers.end(context);
      },
      (error) => {
        this.onThrown(entry, hosted.spec, context, error);
        this.handlers.end(context);
      },
    );
  }

  /** A handler threw, or its promise or stream did. */
  onThrown(entry: CalleeSlot, spec: MethodSpec, context: CallContext, error: unknown): void {
    if (entry.context === context) {
      this.answers.failThrown(entry.call, error, spec, context);
      this.ends.end(entry, null);
    } else if (!(error instanceof RpcError) && !context.isAbort(error)) {
      // Its call has ended before: only the server can be told.
      this.host?.onHandlerError(error, spec);
    }
  }

  /** What a handler returned threw when its call had ended: in a `finally`, by an 'error' event. Only the server can be told. */
  onLateError(spec: MethodSpec, context: CallContext, error: unknown): void {
    if (!context.isAbort(error)) this.host?.onHandlerError(error, spec);
  }

  /** Sends the RESPONSE, now or when the write queue has room, and then ends the call. */
  answer(entry: CalleeSlot, method: IncomingMethod, hosted: HostedMethod, context: CallContext, value: unknown): void {
    const { link } = this;
    const { ledgers } = this.answers;
    if (ledgers.open !== 0) ledgers.handlerEnds(entry.call);
    const { saturated } = link.queue;
    const long = saturated ? LATER : this.answers.respond(entry.call, hosted.spec, method.compression, context, value);
    if (long === null) {
      this.ends.end(entry, null);
      return;
    }
    if (long === LATER) {
      this.table.answer(entry, method, context, null);
      const kept = keptAnswer(hosted.spec, value);
      (saturated ? this.ready : this.readyLong).push(() => {
        if (entry.context === context) this.answer(entry, method, hosted, context, kept);
      });
      return;
    }
    this.table.answer(entry, method, context, long);
    long.priority = context.priority;
    long.onSent = () => {
      if (entry.context === context) this.ends.end(entry, null);
    };
  }

  /** The write queue has drained: waiting answers may go on. */
  onDrain(): void {
    const { ready, link } = this;
    while (ready.length > 0 && !link.queue.saturated) ready.shift()?.();
  }

  /** Long answers have left: others may be encoded. */
  private onRoom(): void {
    const { readyLong, link } = this;
    while (readyLong.length > 0 && !link.sender.isFull()) readyLong.shift()?.();
  }

  close(): void {
    this.ready.length = 0;
    this.readyLong.length = 0;
  }
}

/** An answer that waits: raw bytes are copied, since the handler has ended and may use its buffer again. */
function keptAnswer({ response }: MethodSpec, value: unknown): unknown {
  const copied = isBytesCodec(response) && types.isUint8Array(value) && value.length <= RAW_COPIED_BYTES_MAX;
  return copied ? Buffer.from(value) : value;
}

/** Reads `then`, which may be a getter of the application that throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise ||
    // `in` would look the name up a second time, for each answer of a synchronous handler.
    (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  );
}

const promiseThen: unknown = Reflect.get(Promise.prototype, 'then');

/**
 * Calls exactly one of the two, once and later. A promise is followed as it is. Any other thenable is the application's, and may throw,
 * or call both or twice: a promise that is resolved with it takes the first that comes.
 */
export function whenSettled(
  result: unknown,
  onValue: (value: unknown) => void,
  onError: (error: unknown) => void,
): void {
  try {
    if (result instanceof Promise && Reflect.get(result, 'then') === promiseThen) {
      result.then(onValue, onError);
      return;
    }
  } catch {
    // It has the prototype of a promise and is none, or its constructor throws: as any other thenable.
  }
  new Promise((resolve) => {
    resolve(result);
  }).then(onValue, onError);
}

/** A codec of the application's own may throw anything. UNAVAILABLE would say that this side drains. */
export function asRefusal(error: unknown): RpcError {
  return error instanceof RpcError && error.code !== 'UNAVAILABLE'
    ? error
    : new RpcError('INTERNAL', 'the request could not be decoded', { cause: error });
}
