/**
 * An endless producer against a consumer that pauses: how far does it get ahead? Both ends are in one process, over loopback, since
 * the items made and the items taken must be read at the same moment.
 */
import { connect, defineService, Server, serverStream } from '../../src/index.js';
import { type Canonical, canonicalRecord, canonicalSchema, frameBytes } from '../canonical.js';
import { ItemCheck } from '../stream/item-check.js';

const Items = defineService('bench.Items', { list: serverStream({ request: 'long', response: canonicalSchema }) });

/** Items that the consumer takes before it rests. */
const ITEMS_PER_REST = 1_000;
/** It pauses until the producer has made nothing for this many turns of the event loop: it is blocked. */
const IDLE_TURNS = 4;

export interface SlowRun {
  readonly items: number;
  readonly seconds: number;
  /** Most bytes, as frames, of items that were made and not taken. */
  readonly aheadBytesMax: number;
  readonly heldItemsMax: number;
  readonly check: ItemCheck;
}

export async function runSlowConsumer(items: number): Promise<SlowRun> {
  let made = 0;
  let aheadBytes = 0;
  let aheadBytesMax = 0;
  let heldItemsMax = 0;
  const check = new ItemCheck();
  async function* list(count: number): AsyncGenerator<Canonical> {
    for (let id = 0; id < count; id++) {
      made++;
      aheadBytes += frameBytes(id);
      if (aheadBytes > aheadBytesMax) aheadBytesMax = aheadBytes;
      if (made - check.done > heldItemsMax) heldItemsMax = made - check.done;
      yield canonicalRecord(id);
    }
  }
  const server = new Server();
  server.add(Items, { list });
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  const start = performance.now();
  try {
    for await (const item of channel.client(Items).list(items, { deadlineMs: Number.POSITIVE_INFINITY })) {
      aheadBytes -= frameBytes(check.done);
      check.take(item);
      if (check.done % ITEMS_PER_REST === 0) await rest(() => made);
    }
    if (check.done !== items) check.fail(`${check.done} items came`);
  } catch (error) {
    check.fail(error);
  }
  const seconds = (performance.now() - start) / 1000;
  await channel.close();
  await server.close();
  return { items, seconds, aheadBytesMax, heldItemsMax, check };
}

async function rest(made: () => number): Promise<void> {
  let before = made();
  for (let idle = 0; idle < IDLE_TURNS; idle++) {
    await new Promise((resolve) => void setImmediate(resolve));
    if (made() !== before) idle = -1;
    before = made();
  }
}
