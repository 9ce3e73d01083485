/**
 * Both sides of `bench -- mix`: a steady load of small calls on one connection, and now and then a large blob that the server echoes
 * while it is still being sent.
 */
import { blob, connect, defineService, Server, unary } from '../../src/index.js';
import { canonicalSchema, canonicalWorkload } from '../canonical.js';
import type { Latency } from '../latencies.js';
import { Load } from '../load.js';
import type { Side } from '../process/side.js';
import type { MixClient, MixExtra, MixServer } from './roles.js';

const Head = { type: 'record', name: 'bench.Head', fields: [{ name: 'bytes', type: 'long' }] } as const;

const Mix = defineService('bench.Mix', {
  echo: unary({ request: canonicalSchema, response: canonicalSchema }),
  mirror: blob({ request: Head, response: Head }),
});

/** Latencies that are kept of one recording; what comes beyond is counted, not kept. */
const KEPT_MAX = 2_000_000;

export function open(role: MixServer | MixClient): Promise<Side> {
  return role.side === 'server' ? openServer() : openClient(role);
}

async function openServer(): Promise<Side> {
  let done = 0;
  const server = new Server().add(Mix, {
    echo(request) {
      done++;
      return request;
    },
    mirror: ({ head, body }) => ({ head, body }),
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  return { port, count: () => ({ done, wrong: 0, failed: 0, failure: '' }) };
}

/** Acts: `quiet` records the latency of small calls for a while, `blob` while one blob goes each way. */
async function openClient({ port, inFlight, blobBytes, quietMs }: MixClient): Promise<Side<MixExtra>> {
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.ready();
  const { echo, mirror } = channel.client(Mix);
  const kept = new Float64Array(KEPT_MAX);
  let count = 0;
  let recording = false;
  const load = new Load(canonicalWorkload, async (record) => {
    const from = performance.now();
    const answer = await echo(record);
    if (recording && count < KEPT_MAX) kept[count++] = performance.now() - from;
    return answer;
  });
  void load.run(inFlight);
  const bytes = Buffer.alloc(blobBytes, '0123456789abcdefghi');
  let wrongBlobs = 0;
  let latency: Latency | null = null;

  const sendBlob = async (): Promise<void> => {
    const { head, body } = await mirror({ head: { bytes: blobBytes }, body: bytes });
    let at = 0;
    let same = head.bytes === blobBytes;
    for await (const piece of body) {
      // Each piece's ends: comparing all of it would be a load of its own.
      same &&= piece[0] === bytes[at] && piece.at(-1) === bytes[at + piece.length - 1];
      at += piece.length;
    }
    if (!same || at !== blobBytes) wrongBlobs++;
  };

  return {
    port,
    count: () => ({ ...load.counts(), wrong: load.wrong + wrongBlobs, latency }),
    async act(name) {
      count = 0;
      recording = true;
      const from = performance.now();
      if (name === 'blob') await sendBlob();
      else await new Promise((resolve) => void setTimeout(resolve, quietMs));
      recording = false;
      const ms = performance.now() - from;
      const sorted = kept.subarray(0, count).toSorted();
      const at = (share: number): number => (sorted[Math.floor(share * sorted.length)] ?? Number.NaN) * 1000;
      latency = { calls: count, ms, p50Us: at(0.5), p99Us: at(0.99) };
    },
  };
}
