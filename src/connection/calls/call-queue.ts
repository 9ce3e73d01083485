/**
 * Calls that wait for a free slot, for room in the write queue, or for a connection: in order, bounded by count and perhaps by bytes,
 * with their deadlines running. Nothing of them has been sent, so a call that ends here did not start.
 * Used by `WaitingCalls` and `Channel`.
 */

import type { LatePart } from '../../base/codes.js';
import { limitError, RpcError } from '../../base/errors.js';
import { limitOf } from '../../base/limits.js';
import type { MethodSpec } from '../../wire/message-codec.js';
import type { PendingCall } from './pending-call.js';

/** The array may keep so many calls that have failed, and as many more as calls wait. */
const SETTLED_MAX = 16;
/** The size of the buffer into which requests are encoded to learn their length. */
const SCRATCH_BYTES = 64 * 1024;

export class CallQueue {
  /** Waiting calls, without those in the array that have failed. */
  length = 0;
  private calls: (PendingCall | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  constructor(
    private readonly lengthMax: number,
    /** What they wait for, as in the texts of their errors: `a free call slot`. */
    private readonly awaited: string,
    /** Which part is late when a deadline passes here. */
    private readonly latePart: () => LatePart,
    /** Bytes of their requests. Infinity: they are not counted, which saves encoding them. */
    private readonly bytesMax = Infinity,
    /** Why what they wait for has not come yet; null: nothing is known. */
    private readonly lastFailure: () => RpcError | null = () => null,
  ) {}

  /** Takes the call, or fails it when the queue is full. A call that is being retried is always taken. */
  push(call: PendingCall): void {
    this.closeUp();
    if (this.bytesMax !== Infinity) call.bytes = requestBytes(call.spec, call.request);
    const full = call.resends + call.retries === 0 ? this.fullBy(call.bytes) : null;
    if (full !== null) {
      call.fail(full);
      return;
    }
    this.bytes += call.bytes;
    // It may have waited in another queue before.
    call.settled = false;
    call.keepContext();
    this.calls.push(call);
    this.length++;
    call.watchAbort((error) => this.end(call, error));
  }

  /** The call that has waited longest, or undefined. */
  shift(): PendingCall | undefined {
    while (this.head < this.calls.length) {
      const call = this.calls[this.head];
      this.calls[this.head++] = undefined;
      if (this.head > 1024 && this.head * 2 > this.calls.length) {
        this.calls = this.calls.slice(this.head);
        this.head = 0;
      }
      if (call === undefined || call.settled) continue;
      this.remove(call);
      call.stopWaiting();
      return call;
    }
    this.calls = [];
    this.head = 0;
    return undefined;
  }

  /** Fails what is due. Returns the earliest deadline left, or Infinity. */
  sweep(now: number): number {
    let earliest = Infinity;
    const { calls } = this;
    for (let index = this.head; index < calls.length; index++) {
      const call = calls[index];
      if (call === undefined || call.settled) continue;
      if (call.deadlineAt <= now) {
        const text = `the deadline passed while the call waited for ${this.awaited}`;
        const cause = this.lastFailure() ?? undefined;
        const why = cause === undefined ? '' : `; the last attempt: ${cause.message}`;
        this.end(call, new RpcError('DEADLINE_EXCEEDED', text + why, { late: this.latePart(), cause }));
      } else if (call.deadlineAt < earliest) {
        earliest = call.deadlineAt;
      }
    }
    this.closeUp();
    return earliest;
  }

  /** Fails the calls for which `error` returns an error. The others go on waiting. */
  failSome(error: (call: PendingCall) => RpcError | null): void {
    const { calls } = this;
    for (let index = this.head; index < calls.length; index++) {
      const call = calls[index];
      if (call === undefined || call.settled) continue;
      const failure = error(call);
      if (failure !== null) this.end(call, failure);
    }
    this.closeUp();
  }

  failAll(error: (call: PendingCall) => RpcError): void {
    for (let call = this.shift(); call !== undefined; call = this.shift()) call.fail(error(call));
  }

  private end(call: PendingCall, error: RpcError): void {
    if (call.settled) return;
    this.remove(call);
    call.fail(error);
  }

  /** Removes calls that failed while they waited. Without this a queue from which nobody takes calls would only grow. */
  private closeUp(): void {
    const held = this.calls.length - this.head;
    if (held <= 2 * this.length + SETTLED_MAX) return;
    this.calls = this.calls.filter((call) => call !== undefined && !call.settled);
    this.head = 0;
  }

  private fullBy(bytes: number): RpcError | null {
    if (this.length >= this.lengthMax) {
      const limit = limitOf({ callsQueuedMax: this.lengthMax }, 'callsQueuedMax');
      return limitError(`too many calls wait for ${this.awaited}`, limit);
    }
    if (this.bytes + bytes <= this.bytesMax) return null;
    const limit = limitOf({ callsQueuedBytesMax: this.bytesMax }, 'callsQueuedBytesMax');
    return limitError(`too many bytes wait for ${this.awaited}`, limit);
  }

  private remove(call: PendingCall): void {
    this.length--;
    this.bytes -= call.bytes;
    call.bytes = 0;
  }
}

let scratch: Buffer | null = null;

/** Bytes of a request when encoded. 0 where its messages are items, and where it cannot be encoded: it fails when it is sent. */
function requestBytes({ kind, request: codec }: MethodSpec, request: unknown): number {
  if (kind === 'clientStream' || kind === 'duplex') return 0;
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  try {
    const end = codec.encode(request, scratch, 0);
    return end >= 0 ? end : SCRATCH_BYTES - end;
  } catch {
    return 0;
  }
}
