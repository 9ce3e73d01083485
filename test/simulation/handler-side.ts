/** The handlers of a simulated server: they do what the plan of the call says, and note what they see. */
import {
  type CallContext,
  type Handlers,
  type IncomingBlob,
  type ItemStream,
  type OutgoingBlob,
  RpcError,
} from '../../src/index.js';
import type { VirtualClock } from '../../src/testing/index.js';
import type { CallRecord } from './call-record.js';
import { servesBack } from './plan.js';
import { Back, bodyOf, type Part, Salt, type Work } from './service.js';

/** Calls beyond the plan: a probe of whether the network carries calls at all. */
const PROBE_BYTES = 9;

export class HandlerSide {
  constructor(
    private readonly clock: VirtualClock,
    private readonly records: readonly CallRecord[],
  ) {}

  readonly handlers: Handlers<typeof Work> = {
    ask: (request, context) => this.ask(request, context),
    tell: async (request, context) => void (await this.ask(request, context)),
    list: (request, context) => this.list(request, context),
    collect: (items, context) => this.collect(items, context),
    chat: (items, context) => this.chat(items, context),
    store: (blob, context) => this.store(blob, context),
  };

  private ask(request: Part, context: CallContext): Part | Promise<Part> {
    const record = this.records[request.id - 1];
    if (record === undefined) return answerOf(request.id, PROBE_BYTES);
    const { id, act, answerBytes } = record.plan;
    this.begin(record, request);
    if (act === 'answer') {
      record.ended++;
      return answerOf(id, answerBytes);
    }
    return this.work(record, context)
      .finally(() => record.ended++)
      .then(() => answerOf(id, answerBytes));
  }

  private list(request: Part, context: CallContext): AsyncIterable<Part> | Iterable<Part> {
    const record = this.records[request.id - 1] as CallRecord;
    this.begin(record, request);
    if (record.plan.act !== 'answer') return endingWith(this.listLater(record, context), () => record.ended++);
    record.ended++;
    return record.toCaller.source();
  }

  private async *listLater(record: CallRecord, context: CallContext): AsyncGenerator<Part> {
    yield* record.toCaller.sourceLater(this.clock, record.plan.pauseMs);
    await this.work(record, context);
  }

  private async collect(items: ItemStream<Part>, context: CallContext): Promise<Part> {
    const record = this.recordOf(context);
    const { plan, toCallee } = record;
    this.begin(record, null);
    try {
      for await (const item of items) {
        toCallee.take(item);
        if (toCallee.taken === plan.leaveAfter) break;
        if (plan.slowMs > 0) await this.clock.sleep(plan.slowMs);
      }
      await this.work(record, context);
      return answerOf(plan.id, plan.answerBytes);
    } finally {
      record.ended++;
    }
  }

  private chat(items: ItemStream<Part>, context: CallContext): AsyncIterable<Part> {
    const record = this.recordOf(context);
    this.begin(record, null);
    return endingWith(this.echo(record, items, context), () => record.ended++);
  }

  /** One item for each that arrives, then the rest. */
  private async *echo(record: CallRecord, items: ItemStream<Part>, context: CallContext): AsyncGenerator<Part> {
    const { toCallee, toCaller } = record;
    toCaller.running++;
    try {
      for await (const item of items) {
        toCallee.take(item);
        if (toCaller.given < toCaller.count) yield toCaller.give();
      }
      while (toCaller.given < toCaller.count) yield toCaller.give();
      await this.work(record, context);
    } finally {
      toCaller.running--;
    }
  }

  /** Takes the bytes, or some of them, and answers with others. */
  private async store(blob: IncomingBlob<Part>, context: CallContext): Promise<OutgoingBlob<Part>> {
    const record = this.recordOf(context);
    const { plan, blobToCallee, blobToCaller } = record;
    this.begin(record, blob.head);
    try {
      let pieces = 0;
      for await (const piece of blob.body) {
        blobToCallee.take(piece);
        if (++pieces === plan.leaveAfter) break;
      }
      await this.work(record, context);
      return { head: answerOf(plan.id, plan.answerBytes), body: blobToCaller.source() };
    } finally {
      record.ended++;
    }
  }

  private recordOf({ metadata }: CallContext): CallRecord {
    return this.records[Number(metadata['id']) - 1] as CallRecord;
  }

  private begin(record: CallRecord, request: Part | null): void {
    const { plan } = record;
    record.runs++;
    record.runAt = this.clock.now();
    if (request === null) return;
    if (!request.body.equals(bodyOf(plan.id, Salt.request, plan.requestBytes))) {
      record.problem('its request is not what was sent');
    }
  }

  private async work(record: CallRecord, context: CallContext): Promise<void> {
    const { clock } = this;
    const { act, kind, ms } = record.plan;
    if (act === 'answer') return;
    if (act === 'untilAborted' && kind !== 'oneway') {
      const { signal } = context;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      record.abortedAt = clock.now();
      throw signal.reason;
    }
    if (act === 'askBack' && servesBack(record.plan)) {
      await this.askBack(record, context);
      return;
    }
    await clock.sleep(ms);
    if (act === 'refuse') throw new RpcError('ABORTED', 'planned');
    if (act === 'throw') throw new Error('planned');
  }

  /** Calls the caller, with what is left of the call's time. */
  private async askBack(record: CallRecord, { peer, deadlineMs, signal }: CallContext): Promise<void> {
    const { id } = record.plan;
    try {
      const next = await peer.client(Back).confirm(id, { deadlineMs, signal });
      if (next !== id + 1) record.problem(`its caller confirmed ${next}`);
    } catch (error) {
      if (error instanceof RpcError && error.started === 'no') record.notAskedBack = true;
      throw error;
    }
  }
}

/** The same items; `onEnd` runs once they have ended, also when nobody has taken one, which a generator itself does not see. */
export function endingWith<T>(items: AsyncGenerator<T>, onEnd: () => void): AsyncIterableIterator<T> {
  let ended = false;
  const note = async (step: Promise<IteratorResult<T>>, last: boolean): Promise<IteratorResult<T>> => {
    let over = true;
    try {
      const result = await step;
      over = last || result.done === true;
      return result;
    } finally {
      if (over && !ended) {
        ended = true;
        onEnd();
      }
    }
  };
  const iterator: AsyncIterableIterator<T> = {
    next: () => note(items.next(), false),
    return: () => note(items.return(undefined), true),
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

function answerOf(id: number, bytes: number): Part {
  return { id, index: 0, body: bodyOf(id, Salt.answer, bytes) };
}
