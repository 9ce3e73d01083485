/**
 * Sees each time that a channel gives a call to a connection, and each time that a connection gives one back, which no caller sees.
 * It looks through the prototype of `Connection` while it is on duty, so the engine needs no openings for it.
 */

import { type CallExtras, noExtras } from '../../../src/connection/calls/pending-call.js';
import { Connection } from '../../../src/connection/connection.js';
import type { RpcError } from '../../../src/index.js';

export interface SendListener {
  /** Before the connection has it. */
  onSend(call: number, connection: Connection, extras: CallExtras): void;
  onGivenBack(call: number, failure: RpcError): void;
}

type Call = Connection['call'];
type Resume = Connection['resume'];
type GiveBack = Connection['giveBack'];

export class SendWitness {
  private readonly original: { call: Call; resume: Resume; giveBack: GiveBack };

  constructor(listener: SendListener) {
    const { prototype } = Connection;
    const { call, resume, giveBack } = prototype;
    this.original = { call, resume, giveBack };
    prototype.call = function (spec, request, deadlineMs, extras) {
      listener.onSend(idOf(request, extras), this, extras ?? noExtras);
      return call.call(this, spec, request, deadlineMs, extras);
    };
    prototype.resume = function (pending) {
      listener.onSend(idOf(pending.request, pending.extras), this, pending.extras ?? noExtras);
      resume.call(this, pending);
    };
    prototype.giveBack = function (pending, failure, why) {
      listener.onGivenBack(idOf(pending.request, pending.extras), failure);
      giveBack.call(this, pending, failure, why);
    };
  }

  /** Off duty: the prototype is as it was. */
  leave(): void {
    Object.assign(Connection.prototype, this.original);
  }
}

/** The number of a call: in its request, or in its metadata where that is a stream. */
function idOf(request: unknown, extras: CallExtras | null): number {
  return request === undefined ? Number(extras?.metadata?.['id']) : (request as { id: number }).id;
}
