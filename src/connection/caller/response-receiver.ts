/**
 * Responses that are not the usual single frame of plain bytes: several frames, metadata, compression, a schema that is not here yet, or
 * a call that has ended at this side. Used by `Caller`.
 */
import { CloseCode, Flag } from '../../wire/constants.js';
import { describeUnaskedLedger, describeWrongFlags } from '../../wire/frame-rules.js';
import type { Link } from '../calls/link.js';
import type { CallExtras } from '../calls/pending-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { CallEnds } from './call-ends.js';
import { ANSWERED, type CallSlot, type CallTable, UNSENT } from './call-table.js';
import { unreadable } from './failures.js';

/** Whether the caller gets the bare value, timed by its latency: no details, no ledger, no stream. */
export function takesBareValue({ detailed, ledger, incoming, source }: CallExtras): boolean {
  return !detailed && ledger == null && incoming === undefined && source === undefined;
}

export class ResponseReceiver {
  constructor(
    private readonly link: Link,
    private readonly table: CallTable,
    private readonly ends: CallEnds,
  ) {}

  receive(entry: CallSlot, flags: number, buffer: Buffer, start: number, end: number): void {
    const { link } = this;
    const { call, method } = entry;
    if (entry.state === UNSENT) {
      link.fail(CloseCode.CALL_NUMBER, `RESPONSE for call ${call}, which is not open`);
      return;
    }
    if (entry.incoming !== null) {
      link.fail(CloseCode.PROTOCOL, `RESPONSE for call ${call}, whose answer is a stream`);
      return;
    }
    const more = (flags & Flag.MORE) !== 0;
    if (!link.admitFragment(more, end - start)) return;
    if (!entry.isLive) {
      if (!more) this.ends.endLate(entry, null);
      return;
    }
    if (!this.allows(entry, flags)) return;
    try {
      const message = this.messageOf(entry, flags, buffer, start, end);
      if (message.partial) return;
      if (method.state !== 'resolving') {
        this.complete(entry, message);
        return;
      }
      message.keep();
      this.table.answered(entry);
      method.whenResolved(() => {
        if (entry.call === call) this.complete(entry, message);
      });
    } catch (error) {
      this.failReceived(entry, error, more);
    }
  }

  private messageOf(entry: CallSlot, flags: number, buffer: Buffer, start: number, end: number): IncomingMessage {
    const { message } = entry;
    if (message !== null) {
      message.continue(flags, buffer, start, end);
      return message;
    }
    const first = new IncomingMessage(this.link, flags, false, buffer, start, end);
    this.table.receive(entry, first);
    return first;
  }

  /** Whether the state of the call allows a RESPONSE with these flags. If not, the connection has been closed. */
  private allows({ call, state, message, ledgerCall }: CallSlot, flags: number): boolean {
    const { link } = this;
    if (state === ANSWERED) {
      link.fail(CloseCode.CALL_NUMBER, `a second RESPONSE for call ${call}`);
    } else if (message !== null && (flags & ~Flag.MORE) !== 0) {
      link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'a frame that continues a RESPONSE'));
    } else if ((flags & Flag.LEDGER) !== 0 && ledgerCall !== call) {
      link.fail(CloseCode.FLAGS, describeUnaskedLedger('RESPONSE'));
    } else {
      return true;
    }
    return false;
  }

  /** The whole response is here, and so is its schema if there is one. */
  private complete(entry: CallSlot, message: IncomingMessage): void {
    const { method, extras } = entry;
    extras?.ledger?.answered(message.durations, this.link.now);
    let value: unknown;
    try {
      if (method.failure !== null) throw method.failure;
      message.expand();
      value = message.decode(method.response);
    } catch (error) {
      this.failReceived(entry, error, false);
      return;
    }
    this.ends.succeed(entry, value, message.metadata);
  }

  /** The response cannot be used. `more`: the rest of it is still to come. */
  private failReceived(entry: CallSlot, error: unknown, more: boolean): void {
    const failure = unreadable(entry.method, error);
    if (more) this.ends.abandon(entry, failure);
    else this.ends.failAnswered(entry, failure);
  }
}
