/**
 * The streams of the calls that a connection under test makes: what gives their items and what takes them, counted, so that a
 * run sees whether one is left behind.
 */

import type { CallExtras } from '../../src/connection/calls/pending-call.js';
import { IncomingPieces } from '../../src/connection/streams/incoming-blob.js';
import { IncomingStream } from '../../src/connection/streams/incoming-stream.js';
import { Source } from '../../src/connection/streams/source.js';
import { RpcError } from '../../src/index.js';
import type { MethodName } from './methods.js';
import { sendsItems } from './peer-messages.js';
import type { PlannedCall } from './session-streams.js';

const ITEM_BYTES = 300;

export class StreamCalls {
  /** Sources that were begun and not ended, readers that still wait. */
  sources = 0;
  readers = 0;

  constructor(private readonly problems: string[]) {}

  /** The extras that a call of this method needs besides the usual ones, and the handling of its end. */
  extras({ method, bytes, how }: PlannedCall): Pick<CallExtras, 'incoming' | 'source'> {
    const { caller, callee } = sendsItems(method);
    const blob = method === 'file' || method === 'paper';
    const incoming = !callee ? null : blob ? new IncomingPieces(true) : new IncomingStream();
    if (incoming !== null) this.read(incoming, how);
    return {
      ...(incoming === null ? {} : { incoming }),
      ...(caller
        ? { source: new Source(bytes % 2 === 0 ? this.list(method, bytes) : this.trickle(method, bytes), () => {}) }
        : {}),
    };
  }

  private item(method: MethodName, bytes: number): unknown {
    const asNote = method === 'notes' || method === 'talk';
    return asNote ? { id: bytes, text: 'x'.repeat(bytes), tags: [] } : Buffer.alloc(ITEM_BYTES + bytes, 'i');
  }

  private *list(method: MethodName, count: number): Generator {
    this.sources++;
    try {
      for (let made = 0; made < Math.min(count, 100); made++) yield this.item(method, made);
    } finally {
      this.sources--;
    }
  }

  private async *trickle(method: MethodName, count: number): AsyncGenerator {
    this.sources++;
    try {
      for (let made = 0; made < Math.min(count, 100); made++) yield this.item(method, made);
    } finally {
      this.sources--;
    }
  }

  /** One way of taking items for each way of making calls. */
  private read(incoming: IncomingStream, how: PlannedCall['how']): void {
    // Nobody takes any.
    if (how === 'signal') return;
    this.readers++;
    const read =
      how === 'detailed' ? this.readBatches(incoming) : this.readSome(incoming, how === 'metadata' ? 2 : Infinity);
    read.then(
      () => this.readers--,
      (error: unknown) => {
        this.readers--;
        if (!(error instanceof RpcError)) this.problems.push(`a stream failed with ${String(error)}`);
      },
    );
  }

  private async readSome(incoming: IncomingStream, most: number): Promise<void> {
    let taken = 0;
    for await (const _item of incoming) if (++taken >= most) break;
  }

  private async readBatches(incoming: IncomingStream): Promise<void> {
    for await (const batch of incoming.batches()) {
      if (batch.length === 0) this.problems.push('an empty batch');
    }
  }
}
