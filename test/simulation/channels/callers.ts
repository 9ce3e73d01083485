/** The callers of the channel simulation: they make the calls of the plan and note how each ended. */
import type { CallOptions, Client } from '../../../src/index.js';
import type { VirtualClock } from '../../../src/testing/index.js';
import type { ChannelCall } from './channel-call.js';
import type { Ask, Shop } from './service.js';

const filling = Buffer.alloc(100_000, 7);

export class Callers {
  constructor(
    private readonly clock: VirtualClock,
    private readonly onSettled: (call: ChannelCall) => void,
  ) {}

  make(call: ChannelCall, stub: Client<typeof Shop>): void {
    call.madeAt = this.clock.now();
    this.call(call, stub)
      .catch((error: unknown) => call.fail(error, this.clock.now()))
      .then(
        () => this.onSettled(call),
        (error: unknown) => call.problem(String(error)),
      );
  }

  private async call(call: ChannelCall, stub: Client<typeof Shop>): Promise<void> {
    const { plan } = call;
    const { id, kind } = plan;
    const ask: Ask = { id, filling: filling.subarray(0, plan.bytes) };
    const options = this.optionsOf(call);
    if (kind === 'list') {
      const items = stub.list(ask, options);
      for await (const { id: of, index } of items) {
        if (of !== id || index !== call.itemsTaken++) call.problem(`took item ${index} of call ${of}`);
      }
      call.succeed(null, items.attempts, this.clock.now());
    } else if (kind === 'fill') {
      const items = Array.from({ length: Math.max(1, plan.items) }, () => ask);
      const { value, attempts } = await stub.fill.detailed(items, options);
      call.succeed(value, attempts, this.clock.now());
    } else if (id % 3 === 0) {
      // The usual way, which has no place for attempts.
      call.succeed(await stub[kind](ask, options), null, this.clock.now());
    } else {
      const { value, attempts } = await stub[kind].detailed(ask, options);
      call.succeed(value, attempts, this.clock.now());
    }
  }

  private optionsOf({ plan, settled }: ChannelCall): CallOptions {
    const { id, kind, deadlineMs, cancelAfterMs, key, waitForReady, idempotent } = plan;
    const options = {
      deadlineMs,
      ...(kind === 'fill' ? { metadata: { id: String(id) } } : {}),
      ...(key === undefined ? {} : { key }),
      ...(waitForReady === undefined ? {} : { waitForReady }),
      ...(idempotent === undefined ? {} : { idempotent }),
    };
    if (cancelAfterMs === null || settled > 0) return options;
    const controller = new AbortController();
    if (cancelAfterMs === 0) queueMicrotask(() => controller.abort());
    else this.clock.setTimer(() => controller.abort(), cancelAfterMs);
    return { ...options, signal: controller.signal };
  }
}
