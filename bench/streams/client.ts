/** The client of `bench -- streams`: one connection with many streams on it. It does what it is told by `act`. */
import { type Client, connect, type ItemStream } from '../../src/index.js';
import { type Canonical, canonicalRecord } from '../canonical.js';
import type { Counts } from '../process/marks.js';
import type { Side } from '../process/side.js';
import { ItemCheck } from '../stream/item-check.js';
import { type Kind, kinds, STALLED, Streams } from './service.js';

const forever = { deadlineMs: Number.POSITIVE_INFINITY } as const;

/** `streams`: calls of each kind that run at once; `itemsEach`: records of each of them. */
export async function openClient(port: number, streams: number, itemsEach: number): Promise<Side> {
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.ready();
  const client = new StreamsClient(channel.client(Streams), streams, itemsEach);
  return { port, count: () => client.count(), act: (name) => client.act(name) };
}

class StreamsClient {
  private readonly checks: ItemCheck[] = [];
  private stalled: ItemStream<Canonical> | null = null;

  constructor(
    private readonly stubs: Client<typeof Streams>,
    private readonly streams: number,
    private readonly itemsEach: number,
  ) {}

  count(): Counts {
    const counts = { done: 0, wrong: 0, failed: 0, failure: '' };
    for (const { done, wrong, failed, failure } of this.checks) {
      counts.done += done;
      counts.wrong += wrong;
      counts.failed += failed;
      counts.failure ||= failure;
    }
    return counts;
  }

  /** `endless`: starts all streams but one; `stall`, `release`: that one. A kind: all calls of that kind, to their end. */
  async act(name: string): Promise<void> {
    const kind = kinds.find((candidate) => candidate === name);
    if (kind !== undefined) {
      this.checks.length = 0;
      await Promise.all(Array.from({ length: this.streams }, () => this.run(kind)));
    } else if (name === 'endless') {
      for (let stream = 1; stream < this.streams; stream++) void this.read(this.stubs.endless(stream, forever));
    } else if (name === 'stall') {
      this.stalled ??= this.stubs.endless(STALLED, forever);
    } else {
      await this.stalled?.return();
      this.stalled = null;
    }
  }

  private async run(kind: Kind): Promise<void> {
    const { stubs, itemsEach } = this;
    const check = this.newCheck();
    try {
      if (kind === 'unary') {
        check.take(await stubs.unary(canonicalRecord(0)));
      } else if (kind === 'clientStream') {
        check.done = await stubs.clientStream(records(itemsEach));
      } else {
        const stream = kind === 'duplex' ? stubs.duplex(records(itemsEach)) : stubs.serverStream(itemsEach);
        for await (const item of stream) check.take(item);
      }
      if (check.done !== (kind === 'unary' ? 1 : itemsEach)) check.fail(`a ${kind} call had ${check.done} items`);
    } catch (error) {
      check.fail(error);
    }
  }

  private async read(stream: ItemStream<Canonical>): Promise<void> {
    const check = this.newCheck();
    try {
      for await (const item of stream) check.take(item);
      check.fail('an endless stream has ended');
    } catch (error) {
      check.fail(error);
    }
  }

  private newCheck(): ItemCheck {
    const check = new ItemCheck();
    this.checks.push(check);
    return check;
  }
}

function* records(count: number): Generator<Canonical> {
  for (let id = 0; id < count; id++) yield canonicalRecord(id);
}
