/**
 * Sees each time that a channel gives a call to a connection, and each time that a connection offers one for a retry, which no caller
 * sees. It looks through the prototypes of `Caller` and `Connection` while it is on duty, so the engine needs no openings for it.
 */

import { Caller } from '../../../src/connection/caller/caller.js';
import { type CallExtras, noExtras } from '../../../src/connection/calls/pending-call.js';
import { Connection } from '../../../src/connection/connection.js';
import type { RpcError } from '../../../src/index.js';

export interface SendListener {
  /** Before the connection has it. */
  onSend(call: number, connection: Connection, extras: CallExtras): void;
  onRetryable(call: number, failure: RpcError): void;
}

type Call = Caller['call'];
type Resume = Caller['resume'];
type OfferRetry = Connection['offerRetry'];

export class SendWitness {
  private readonly caller: { call: Call; resume: Resume };
  private readonly offerRetry: OfferRetry;

  constructor(listener: SendListener) {
    const { call, resume } = Caller.prototype;
    const { offerRetry } = Connection.prototype;
    this.caller = { call, resume };
    this.offerRetry = offerRetry;
    Caller.prototype.call = function (spec, request, deadlineMs, extras) {
      listener.onSend(idOf(request, extras), this.link as Connection, extras ?? noExtras);
      return call.call(this, spec, request, deadlineMs, extras);
    };
    Caller.prototype.resume = function (pending) {
      listener.onSend(idOf(pending.request, pending.extras), this.link as Connection, pending.extras ?? noExtras);
      resume.call(this, pending);
    };
    Connection.prototype.offerRetry = function (pending, failure, reason) {
      listener.onRetryable(idOf(pending.request, pending.extras), failure);
      offerRetry.call(this, pending, failure, reason);
    };
  }

  /** Off duty: the prototypes are as they were. */
  leave(): void {
    Object.assign(Caller.prototype, this.caller);
    Connection.prototype.offerRetry = this.offerRetry;
  }
}

/** The number of a call: in its request, or in its metadata where that is a stream. */
function idOf(request: unknown, extras: CallExtras | null): number {
  return request === undefined ? Number(extras?.metadata?.['id']) : (request as { id: number }).id;
}
