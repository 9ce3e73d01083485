/** The server of `bench -- streams`. */
import { type Handlers, Server } from '../../src/index.js';
import { type Canonical, canonicalRecord, frameBytes, looksRight } from '../canonical.js';
import type { Side } from '../process/side.js';
import { HeldBytes } from './held.js';
import type { StreamsExtra } from './roles.js';
import { STALLED, Streams } from './service.js';
import { Together } from './together.js';

/** Items from one look at the sockets to the next. */
const ITEMS_PER_LOOK = 64;

/** `streams`: calls of each kind that are to run at once. */
export async function openServer(streams: number): Promise<Side<StreamsExtra>> {
  const served = new StreamsServer(streams);
  const server = new Server();
  server.add(Streams, served.handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  return {
    port,
    count: () => ({ done: served.items, wrong: served.wrong, failed: 0, failure: '', held: served.held.report() }),
    act: () => served.held.collect(),
  };
}

class StreamsServer {
  /** Items sent or taken by calls, except those of the stalled stream. */
  items = 0;
  wrong = 0;
  readonly held = new HeldBytes();
  readonly handlers: Handlers<typeof Streams>;

  constructor(streams: number) {
    const together = new Together(streams);
    const count = (): number => this.items++;
    const wrong = (): number => this.wrong++;
    this.handlers = {
      endless: (stream) => (stream === STALLED ? this.stalled() : this.endless()),
      async unary(record) {
        await together.arrive();
        count();
        return record;
      },
      async *serverStream(items) {
        await together.arrive();
        for (let id = 0; id < items; id++) {
          count();
          yield canonicalRecord(id);
        }
      },
      async clientStream(records) {
        await together.arrive();
        let id = 0;
        for await (const record of records) {
          count();
          if (!looksRight(record, id++)) wrong();
        }
        return id;
      },
      async *duplex(records) {
        await together.arrive();
        for await (const record of records) {
          count();
          yield record;
        }
      },
    };
  }

  private *endless(): Generator<Canonical> {
    for (let id = 0; ; id++) {
      if (this.items++ % ITEMS_PER_LOOK === 0) this.held.look();
      yield canonicalRecord(id);
    }
  }

  private *stalled(): Generator<Canonical> {
    try {
      for (let id = 0; ; id++) {
        this.held.onStalledItem(frameBytes(id));
        yield canonicalRecord(id);
      }
    } finally {
      this.held.onStalledEnd();
    }
  }
}
