/** Both sides of `bench -- scaling`. The client makes one kind of load, over as many connections as it is told. */
import { type ClientChannel, connect, type ItemStream } from '../../src/index.js';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../canonical.js';
import { Load, type Workload } from '../load.js';
import type { Counts } from '../process/marks.js';
import type { Side } from '../process/side.js';
import { ItemCheck } from '../stream/item-check.js';
import type { ScalingClient, ScalingServer, ScalingServerExtra } from './roles.js';
import { startScalingServer } from './server.js';
import { Scaling, wideLimits } from './service.js';
import { Workers } from './workers.js';

const forever = { deadlineMs: Number.POSITIVE_INFINITY } as const;
const nothingWrong = { wrong: 0, failed: 0, failure: '' } as const;

export function open(role: ScalingServer | ScalingClient): Promise<Side> {
  return role.side === 'server' ? openServer(role) : openClient(role);
}

async function openServer({ processes, workUs, wide }: ScalingServer): Promise<Side<ScalingServerExtra>> {
  if (processes > 0) return clusterSide(processes, workUs);
  const server = await startScalingServer(wide ? wideLimits : {}, 0);
  return { port: server.port, count: () => ({ done: server.done(), ...nothingWrong, otherCpuUs: 0 }), act: () => {} };
}

/** Its act `gather` asks the workers, which takes a while, and the mark behind it has their counters. */
async function clusterSide(processes: number, workUs: number): Promise<Side<ScalingServerExtra>> {
  const workers = new Workers(processes, workUs);
  const port = await workers.listening();
  let report = { done: 0, cpuUs: 0 };
  return {
    port,
    count: () => ({ done: report.done, ...nothingWrong, otherCpuUs: report.cpuUs }),
    async act() {
      report = await workers.report();
    },
  };
}

async function openClient(role: ScalingClient): Promise<Side> {
  const { port, connections, wide, method, inFlight } = role;
  const limits = wide ? wideLimits : {};
  const channels = Array.from({ length: connections }, () => connect(`tcp://127.0.0.1:${port}`, { limits }));
  // One after the other: a storm of connections is not what this measures.
  for (const channel of channels) await channel.ready();
  const isStream = method === 'items' || method === 'batches';
  const counted = isStream ? readStreams(channels, inFlight, method) : callAll(channels, role);
  return { port, count: () => sum(counted) };
}

/** `inFlight` callers in all, spread over the channels. */
function callAll(channels: readonly ClientChannel[], { method, inFlight, messageBytes }: ScalingClient): Counts[] {
  return channels.map((channel, index) => {
    const stubs = channel.client(Scaling);
    const callers = Math.floor((inFlight + index) / channels.length);
    if (method === 'bytes') return loaded(new Load(bytesOf(messageBytes), stubs.bytes), callers);
    return loaded(new Load(canonicalWorkload, method === 'work' ? stubs.work : stubs.echo), callers);
  });
}

function loaded<Message>(load: Load<Message>, callers: number): Counts {
  void load.run(callers);
  return load;
}

/** Each caller has bytes of its own, made once: a program that sends bytes has them already. */
function bytesOf(length: number): Workload<Buffer> {
  const blocks: Buffer[] = [];
  const make = (id: number): Buffer => {
    blocks[id] ??= Buffer.alloc(length, `${id}:${'0123456789'.repeat(7)}`);
    return blocks[id];
  };
  return {
    make,
    looksRight: (answer, id) =>
      answer.length === length && answer[0] === make(id)[0] && answer.at(-1) === make(id).at(-1),
    isRight: (answer, id) => answer.equals(make(id)),
  };
}

/** So many streams in all, spread likewise, each read for as long as the process lives. */
function readStreams(channels: readonly ClientChannel[], streams: number, by: 'items' | 'batches'): Counts[] {
  const read = by === 'items' ? readItems : readBatches;
  return Array.from({ length: streams }, (_, stream) => {
    const check = new ItemCheck();
    const channel = channels[stream % channels.length] as ClientChannel;
    read(channel.client(Scaling).list(canonicalRecord(1), forever), check).catch((error: unknown) => check.fail(error));
    return check;
  });
}

async function readItems(stream: ItemStream<Canonical>, check: ItemCheck): Promise<void> {
  for await (const item of stream) check.take(item);
  check.fail('the stream ended');
}

async function readBatches(stream: ItemStream<Canonical>, check: ItemCheck): Promise<void> {
  for await (const batch of stream.batches()) {
    for (const item of batch) check.take(item);
  }
  check.fail('the stream ended');
}

function sum(counted: readonly Counts[]): Counts {
  const counts = { done: 0, wrong: 0, failed: 0, failure: '' };
  for (const { done, wrong, failed, failure } of counted) {
    counts.done += done;
    counts.wrong += wrong;
    counts.failed += failed;
    counts.failure ||= failure;
  }
  return counts;
}
