/** The engine's server stream as its users write it: default settings; the one option is no deadline, since the stream has no end. */
import { connect, defineService, type ItemStream, Server, serverStream } from '../../src/index.js';
import { type Canonical, canonicalRecord, canonicalSchema } from '../canonical.js';
import type { ItemCheck } from './item-check.js';
import type { SourceKind, StreamProgram } from './program.js';

const Items = defineService('bench.Items', {
  list: serverStream({ request: canonicalSchema, response: canonicalSchema }),
});

/** How the client takes items. */
type Reading = 'batches' | 'for-await';

export function engineStream(reading: Reading, source: SourceKind): StreamProgram {
  return {
    async serve() {
      let items = 0;
      function* generator(): Generator<Canonical> {
        for (;;) yield canonicalRecord(items++);
      }
      async function* asyncGenerator(): AsyncGenerator<Canonical> {
        for (;;) yield canonicalRecord(items++);
      }
      const server = new Server();
      server.add(Items, { list: source === 'generator' ? generator : asyncGenerator });
      const { port } = await server.listen({ host: '127.0.0.1' });
      return { port, calls: () => items };
    },
    async consume(port, check) {
      const channel = connect(`tcp://127.0.0.1:${port}`);
      await channel.ready();
      const stream = channel.client(Items).list(canonicalRecord(1), { deadlineMs: Number.POSITIVE_INFINITY });
      const reader = reading === 'batches' ? readBatches : readItems;
      reader(stream, check).catch((error: unknown) => check.fail(error));
    },
  };
}

async function readBatches(stream: ItemStream<Canonical>, check: ItemCheck): Promise<void> {
  for await (const batch of stream.batches()) {
    for (const item of batch) check.take(item);
  }
}

async function readItems(stream: ItemStream<Canonical>, check: ItemCheck): Promise<void> {
  for await (const item of stream) check.take(item);
}
