/**
 * The guard's one load program. It imports the package under test by its folder and uses nothing but public names, so it runs every
 * commit that has them, wherever the files of that commit lie. Both sides may run in one process (counts) or in two (turns).
 *
 * A run is a fixed number of calls or items, and it ends when the last one was answered: both commits do exactly the same work, and all that
 * it costs falls between the marks around it.
 */
import { pathToFileURL } from 'node:url';
import type * as engineTypes from '../../src/index.js';
import { bytesWorkload } from '../bytes.js';
import {
  type Canonical,
  canonicalRecord,
  canonicalSchema,
  canonicalWorkload,
  isRight,
  looksRight,
} from '../canonical.js';
import type { Workload } from '../load.js';
import { type GuardWorkload, type GuardWorkloadName, guardWorkloads } from './names.js';

/** The public names of the package under test, which is loaded by its path. */
type Engine = typeof engineTypes;

export interface GuardServer {
  readonly ports: readonly number[];
}

export interface GuardClient {
  /** Makes so many calls, or reads so many items. Rejects when one fails or is answered wrongly. */
  run(operations: number): Promise<void>;
}

/** One in so many answers is compared in full. */
const FULL_CHECK_EVERY = 1024;
const HOST = '127.0.0.1';

const Head = { type: 'record', name: 'Head', fields: [{ name: 'bytes', type: 'long' }] } as const;

async function load(folder: string): Promise<Engine> {
  return (await import(pathToFileURL(`${folder}/dist/index.js`).href)) as Engine;
}

function servicesOf({ blob, defineService, serverStream, unary }: Engine) {
  return {
    Echo: defineService('guard.Echo', {
      echo: unary({ request: canonicalSchema, response: canonicalSchema }),
    }),
    Items: defineService('guard.Items', {
      list: serverStream({ request: canonicalSchema, response: canonicalSchema }),
    }),
    Blobs: defineService('guard.Blobs', { echo: blob({ request: Head, response: Head }) }),
  };
}

/** `folder`: a checkout with a `dist/` in it. */
export async function openGuardServer(folder: string, name: GuardWorkloadName): Promise<GuardServer> {
  const engine = await load(folder);
  const { Echo, Items, Blobs } = servicesOf(engine);
  const ports: number[] = [];
  for (let endpoint = 0; endpoint < guardWorkloads[name].endpoints; endpoint++) {
    const server = new engine.Server()
      .add(Echo, { echo: (request) => request })
      .add(Items, { list: ({ id }) => records(id) })
      .add(Blobs, { echo: ({ head, body }) => ({ head, body }) });
    ports.push((await server.listen({ host: HOST })).port);
  }
  return { ports };
}

function* records(count: number): Generator<Canonical> {
  for (let id = 0; id < count; id++) yield canonicalRecord(id);
}

/** `folder`: a checkout with a `dist/` in it. Resolves once the connections are up. */
export async function openGuardClient(
  folder: string,
  name: GuardWorkloadName,
  ports: readonly number[],
): Promise<GuardClient> {
  const { kind, inFlight }: GuardWorkload = guardWorkloads[name];
  const engine = await load(folder);
  const { Echo, Items, Blobs } = servicesOf(engine);
  const channel = engine.connect(ports.map((port) => `tcp://${HOST}:${port}`));
  await channel.ready();
  switch (kind) {
    case 'connection': {
      const { peer } = channel;
      if (peer === null) throw new Error('the channel is ready but has no peer');
      const { echo } = peer.client(Echo);
      return { run: (calls) => runCalls(canonicalWorkload, (record) => echo(record), inFlight, calls) };
    }
    case 'channel': {
      const { echo } = channel.client(Echo);
      return { run: (calls) => runCalls(canonicalWorkload, (record) => echo(record), inFlight, calls) };
    }
    case 'blob': {
      const { echo } = channel.client(Blobs);
      const send = async (body: Buffer): Promise<Buffer> =>
        (await echo({ head: { bytes: body.length }, body })).body.buffer();
      return { run: (calls) => runCalls(bytesWorkload, send, inFlight, calls) };
    }
    default: {
      const { list } = channel.client(Items);
      const ask = (items: number) => list(canonicalRecord(items), { deadlineMs: Number.POSITIVE_INFINITY });
      return {
        run: async (items) => expectItems(items, await (kind === 'batches' ? readBatches : readItems)(ask(items))),
      };
    }
  }
}

async function runCalls<Message>(
  workload: Workload<Message>,
  call: (message: Message) => Promise<Message>,
  inFlight: number,
  calls: number,
): Promise<void> {
  let left = calls;
  const caller = async (id: number): Promise<void> => {
    while (left > 0) {
      const full = left % FULL_CHECK_EVERY === 0;
      left--;
      const answer = await call(workload.make(id));
      if (!(full ? workload.isRight(answer, id) : workload.looksRight(answer, id)))
        throw new Error('an answer was wrong');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, id) => caller(id)));
}

async function readBatches(stream: { batches(): AsyncIterable<readonly Canonical[]> }): Promise<number> {
  let items = 0;
  for await (const batch of stream.batches()) for (const item of batch) checkItem(item, items++);
  return items;
}

async function readItems(stream: AsyncIterable<Canonical>): Promise<number> {
  let items = 0;
  for await (const item of stream) checkItem(item, items++);
  return items;
}

function checkItem(item: Canonical, id: number): void {
  if (!(id % FULL_CHECK_EVERY === 0 ? isRight(item, id) : looksRight(item, id)))
    throw new Error(`item ${id} was wrong`);
}

function expectItems(expected: number, items: number): void {
  if (items !== expected) throw new Error(`a stream of ${expected} items ended after ${items}`);
}
