/**
 * Responses that are not the usual one frame of plain bytes: parts, metadata, compression, a schema to wait for, or a call
 * whose caller has given up. Used by `Caller`, which owns the slots.
 */
import { CloseCode, Flag } from '../../wire/constants.js';
import { describeUnaskedLedger, describeWrongFlags } from '../../wire/frame-rules.js';
import type { Link } from '../calls/link.js';
import type { CallExtras, CallResult } from '../calls/pending-call.js';
import { IncomingMessage } from '../messages/incoming-message.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import type { CallEnds, CallSlot } from './call-table.js';
import { attemptsOf, endHere, triedIn } from './caller-ends.js';
import { unreadable } from './failures.js';

/** Whether a call is settled with its answer as it is, and timed by it: no details, no ledger, no stream. */
export function takesBareValue({ detailed, ledger, incoming, source }: CallExtras): boolean {
  return !detailed && ledger == null && incoming === undefined && source === undefined;
}

export class ResponseReceiver {
  constructor(
    private readonly link: Link,
    private readonly calls: CallEnds,
  ) {}

  /** A response that is not the usual one: parts, metadata, compression, a schema to wait for, or nobody who wants it. */
  receive(entry: CallSlot, method: OutgoingMethod, flags: number, buffer: Buffer, start: number, end: number): void {
    if (entry.incoming !== null) {
      this.link.fail(CloseCode.PROTOCOL, `RESPONSE for call ${entry.call}, whose answer is a stream`);
      return;
    }
    const more = (flags & Flag.MORE) !== 0;
    if (!this.link.admitFragment(more, end - start)) return;
    if (entry.givenUp) {
      if (more) return;
      const { resolve } = entry;
      this.calls.release(entry);
      resolve(undefined);
      return;
    }
    if (!this.judge(entry, flags)) return;
    try {
      if (entry.message === null) entry.message = new IncomingMessage(this.link, flags, false, buffer, start, end);
      else entry.message.continue(flags, buffer, start, end);
      if (entry.message.partial) return;
      if (method.state === 'resolving') {
        const { call } = entry;
        entry.message.keep();
        method.waiting.push(() => {
          if (entry.call === call && !entry.givenUp) this.complete(entry, method);
          else if (entry.call === call) this.calls.release(entry);
        });
        return;
      }
    } catch (error) {
      this.failReceived(entry, method, error, more);
      return;
    }
    this.complete(entry, method);
  }

  /** Whether the state of the call allows a RESPONSE with these flags; if not, the connection has been closed. */
  private judge(entry: CallSlot, flags: number): boolean {
    const { link } = this;
    const { call, message, answered } = entry;
    if (answered) link.fail(CloseCode.CALL_NUMBER, `a second RESPONSE for call ${call}`);
    else if (message !== null && (flags & ~Flag.MORE) !== 0) {
      link.fail(CloseCode.FLAGS, describeWrongFlags(flags, 'a frame that continues a RESPONSE'));
    } else if ((flags & Flag.LEDGER) !== 0 && entry.ledgerCall !== call) {
      link.fail(CloseCode.FLAGS, describeUnaskedLedger('RESPONSE'));
    } else {
      return true;
    }
    return false;
  }

  /** The whole response is in `entry.message`. */
  private complete(entry: CallSlot, method: OutgoingMethod): void {
    const message = entry.message as IncomingMessage;
    const { resolve, extras } = entry;
    const marks = extras?.ledger ?? null;
    marks?.answered(message.durations, this.link.now);
    let value: unknown;
    try {
      if (method.failure !== null) throw method.failure;
      message.expand();
      value = message.decode(method.response);
    } catch (error) {
      this.failReceived(entry, method, error, false);
      return;
    }
    const { metadata } = message;
    const { link } = this;
    const tried = triedIn(entry);
    this.calls.finished++;
    this.calls.release(entry);
    if (method.spec.kind === 'unary') link.stats.onAnswer(link.now, link.now - tried.since);
    else link.stats.onUntimedEnd(link.now);
    const ledger = marks === null ? null : marks.finish();
    if (!extras?.detailed) {
      resolve(value);
      return;
    }
    const attempts = attemptsOf(link, tried, 'OK', 'yes', link.now);
    resolve({ value, metadata, ledger, attempts } satisfies CallResult);
  }

  /** The response cannot be used: the handler has run, its answer is lost. `more`: the rest of it is still to come. */
  private failReceived(entry: CallSlot, method: OutgoingMethod, error: unknown, more: boolean): void {
    const { call } = entry;
    const failure = unreadable(method, error);
    endHere(this.link, triedIn(entry), failure);
    if (more) {
      if (this.calls.giveUp(entry, failure)) this.calls.cancel(call);
    } else {
      const { reject } = entry;
      this.calls.release(entry);
      reject(failure);
    }
  }
}
