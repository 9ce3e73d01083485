/**
 * The handlers of one connection that have begun and not ended, and the ONEWAY calls that wait for one of them to end. The one
 * place where a handler begins and ends.
 *
 * A handler counts until it ends, even if its call has ended before: a caller cannot exceed the handler limit by cancelling. Those
 * are kept here as detached (so are the handlers of ONEWAY calls, which have no open call), for the report of a drain.
 *
 * A ONEWAY call has no answer, so its caller would not learn of a refusal. Without a free handler it therefore waits, reading is
 * paused, and everything behind it waits as well.
 */
import type { Admission } from '../../resilience/admission/admission.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import type { CallContext } from '../calls/call-context.js';
import type { Link } from '../calls/link.js';
import { type UnfinishedCall, unfinishedCall } from '../calls/unfinished-call.js';

interface Detached {
  readonly spec: MethodSpec;
  readonly since: number;
  readonly state: 'running' | 'abandoned';
}

export class Handlers {
  private count = 0;
  private readonly detached = new Map<CallContext, Detached>();
  /** ONEWAY calls that wait for a handler, in order. */
  private readonly oneways: (() => void)[] = [];
  /** The first of them has asked the server for a place. */
  private placeDue = false;

  constructor(
    private readonly link: Link,
    private readonly admission: Admission,
  ) {}

  /** Handlers that have not ended, those whose call has ended included. */
  get executing(): number {
    return this.count;
  }

  /** A handler goes on after it was called: it returned a promise, or it has streams. */
  begin(): void {
    this.count++;
    this.admission.begin();
  }

  /** A handler has ended, however its call did. */
  end(context: CallContext): void {
    this.forget(context);
    this.count--;
    this.admission.end();
    if (this.oneways.length > 0) this.awaitPlace();
    this.link.onCallEnded();
  }

  /** The handler goes on without an open call. `since`: when it began. */
  detach(context: CallContext, spec: MethodSpec, since: number): void {
    this.detached.set(context, { spec, since, state: spec.kind === 'oneway' ? 'running' : 'abandoned' });
  }

  /** The handler has ended: it is no longer detached, if it was. */
  forget(context: CallContext): void {
    // Nearly always there is none: a call that is answered has its handler in its slot.
    if (this.detached.size > 0) this.detached.delete(context);
  }

  /** Whether a ONEWAY call may run now. */
  get admitsOneway(): boolean {
    return this.count < this.link.limits.handlersMax && this.oneways.length === 0 && this.admission.open;
  }

  /** Lets a ONEWAY call wait: `run` begins its handler. */
  holdOneway(run: () => void): void {
    // Only the first pauses reading: those behind it had been read, and waited for a schema.
    if (this.oneways.push(run) === 1) this.link.pauseReading();
    this.awaitPlace();
  }

  /** Handlers that run without an open call. */
  left(now: number): UnfinishedCall[] {
    return Array.from(this.detached.values(), ({ spec, since, state }) =>
      unfinishedCall('in', spec, this.link.peer, now - since, state),
    );
  }

  close(): void {
    this.oneways.length = 0;
  }

  /** The first ONEWAY call needs a handler of this connection, and a place at the server. */
  private awaitPlace(): void {
    if (this.placeDue || this.count >= this.link.limits.handlersMax) return;
    this.placeDue = true;
    this.admission.awaitPlace(this.onPlace);
  }

  private readonly onPlace = (): void => {
    this.placeDue = false;
    const run = this.oneways.shift();
    if (run === undefined) return;
    run();
    if (this.oneways.length > 0) this.awaitPlace();
    else this.link.resumeReading();
  };
}
