/** The callers of a simulation: they make the calls of the plan, check what comes back, and note how each call ended. */
import type { CallOptions, Client, ItemStream } from '../../src/index.js';
import type { VirtualClock } from '../../src/testing/index.js';
import type { CallRecord } from './call-record.js';
import { bodyOf, type Part, Salt, type Work } from './service.js';

export class CallerSide {
  constructor(
    private readonly clock: VirtualClock,
    private readonly onSettled: (record: CallRecord) => void,
  ) {}

  make(record: CallRecord, stub: Client<typeof Work>): void {
    record.madeAt = this.clock.now();
    this.call(record, stub).then(
      (outcome) => {
        record.succeed(outcome, this.clock.now());
        this.onSettled(record);
      },
      (error: unknown) => {
        record.fail(error, this.clock.now());
        this.onSettled(record);
      },
    );
  }

  /** Resolves with `ok`, or `left` when it left its stream early. */
  private async call(record: CallRecord, stub: Client<typeof Work>): Promise<string> {
    const { plan, toCaller } = record;
    const { id, kind } = plan;
    const options = this.optionsOf(record);
    const request: Part = { id, index: 0, body: bodyOf(id, Salt.request, plan.requestBytes) };
    switch (kind) {
      case 'oneway':
        await stub.tell(request, options);
        return 'ok';
      case 'unary':
        this.checkAnswer(record, await stub.ask(request, options));
        return 'ok';
      case 'clientStream':
        this.checkAnswer(record, await stub.collect(this.sourceOf(record), options));
        return 'ok';
      case 'blob':
        await this.store(record, stub, request, options);
        return 'ok';
      case 'serverStream':
      case 'duplex': {
        const stream = kind === 'duplex' ? stub.chat(this.sourceOf(record), options) : stub.list(request, options);
        if (await this.consume(record, stream)) return 'left';
        if (toCaller.taken !== toCaller.count)
          record.problem(`ended behind ${toCaller.taken} of ${toCaller.count} items`);
        return 'ok';
      }
    }
  }

  private async store(record: CallRecord, stub: Client<typeof Work>, head: Part, options: CallOptions): Promise<void> {
    const { plan, blobToCallee, blobToCaller } = record;
    const { pauseMs, slowMs } = plan;
    const source = pauseMs < 0 ? blobToCallee.source() : blobToCallee.sourceLater(this.clock, pauseMs);
    const answer = await stub.store({ head, body: source }, options);
    this.checkAnswer(record, answer.head);
    for await (const piece of answer.body) {
      blobToCaller.take(piece);
      if (slowMs > 0) await this.clock.sleep(slowMs);
    }
    const { taken, bytes } = blobToCaller;
    if (taken !== bytes) record.problem(`ended behind ${taken} of ${bytes} bytes`);
  }

  /** True: it left early. */
  private async consume({ plan, toCaller }: CallRecord, stream: ItemStream<Part>): Promise<boolean> {
    const { slowMs, leaveAfter } = plan;
    if (plan.batches) {
      for await (const batch of stream.batches()) {
        for (const item of batch) toCaller.take(item);
        if (slowMs > 0) await this.clock.sleep(slowMs);
      }
      return false;
    }
    for await (const item of stream) {
      toCaller.take(item);
      if (toCaller.taken === leaveAfter) return true;
      if (slowMs > 0) await this.clock.sleep(slowMs);
    }
    return false;
  }

  private sourceOf({ plan, toCallee }: CallRecord): Iterable<Part> | AsyncIterable<Part> {
    return plan.pauseMs < 0 ? toCallee.source() : toCallee.sourceLater(this.clock, plan.pauseMs);
  }

  private optionsOf(record: CallRecord): CallOptions {
    const { deadlineMs, cancelAfterMs, id } = record.plan;
    const metadata = { id: String(id) };
    const ledger = id % 4 === 0;
    if (cancelAfterMs === null) return { deadlineMs, metadata, ledger };
    const controller = new AbortController();
    const cancel = (): void => {
      if (record.settled === 0) record.cancelledAt = this.clock.now();
      controller.abort();
    };
    if (cancelAfterMs === 0) queueMicrotask(cancel);
    else this.clock.setTimer(cancel, cancelAfterMs);
    return { deadlineMs, metadata, ledger, signal: controller.signal };
  }

  private checkAnswer(record: CallRecord, answer: Part): void {
    const { id, answerBytes } = record.plan;
    if (answer.id !== id) record.problem(`got the answer of call ${answer.id}`);
    else if (!answer.body.equals(bodyOf(id, Salt.answer, answerBytes)))
      record.problem('its answer is not what was sent');
  }
}
