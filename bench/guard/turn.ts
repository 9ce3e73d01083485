/**
 * One turn of a workload: base and head each as a server and a client process, all started anew, and short windows of work by one
 * commit and then the other. The windows of a pair lie a fraction of a second apart, so a machine that gets slower or faster treats both
 * commits alike; new processes for each turn make what the compiler and the collector happened to do another sample.
 */

import type { Allocated } from '../allocation/meter.js';
import { Child } from '../process/child.js';
import type { Pinning } from '../process/cores.js';
import { type Mark, said } from '../process/marks.js';
import { alternated } from '../rounds.js';
import type { Checkout } from './checkouts.js';
import { type GuardWorkloadName, guardWorkloads } from './names.js';
import { type GuardExtra, guardClient, guardServer } from './roles.js';
import type { Cost, SideName, TurnCosts } from './turns.js';

export interface TurnSettings {
  /** Windows of each side in which CPU time is measured. */
  readonly windows: number;
  /** CPU time of the base's client in a window, about. The head's windows have as many operations. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly pinning: Pinning;
}

interface Running {
  readonly server: Child<GuardExtra>;
  readonly client: Child<GuardExtra>;
}

const sideNames: readonly SideName[] = ['base', 'head'];
const RUN_MS_MAX = 120_000;
/** Operations of the first trial, by which the number for a window is found. */
const FIRST_OPERATIONS = 64;
/** A trial is long enough when it took this part of a window. */
const TRIAL_SHARE = 0.5;

/** The turns of one workload. The number of operations in a window is found in the first turn and stays the same. */
export class WorkloadTurns {
  private operations = 0;

  constructor(
    private readonly checkouts: Readonly<Record<SideName, Checkout>>,
    private readonly name: GuardWorkloadName,
    private readonly settings: TurnSettings,
  ) {}

  async take(index: number): Promise<TurnCosts> {
    const children: Child<GuardExtra>[] = [];
    try {
      const base = await this.start('base', children);
      const head = await this.start('head', children);
      return await this.measure({ base, head }, index);
    } finally {
      // Clients first: they would see their servers go.
      await Promise.all(children.filter((_, at) => at % 2 === 1).map((client) => client.stop()));
      await Promise.all(children.filter((_, at) => at % 2 === 0).map((server) => server.stop()));
    }
  }

  private async start(side: SideName, children: Child<GuardExtra>[]): Promise<Running> {
    const { checkouts, name } = this;
    const { folder } = checkouts[side];
    const [serverCore, clientCore] = this.settings.pinning.cores ?? [null, null];
    const server = new Child(guardServer({ folder, name }), serverCore);
    children.push(server);
    await server.ready();
    const { ports } = await server.mark();
    const client = new Child(guardClient({ folder, name, ports }), clientCore);
    children.push(client);
    await client.ready();
    return { server, client };
  }

  private async measure(running: Readonly<Record<SideName, Running>>, index: number): Promise<TurnCosts> {
    const { windows, seconds, warmUpSeconds } = this.settings;
    if (this.operations === 0) this.operations = await operationsFor(running.base, this.settings);
    const pairs = { warmUp: Math.ceil(warmUpSeconds / seconds), cpu: windows };
    const cpuUs = { base: 0, head: 0 };
    for (let pair = 0; pair < pairs.warmUp; pair++) {
      for (const side of alternated(sideNames, index + pair)) await run(running[side], this.operations);
    }
    for (let pair = 0; pair < pairs.cpu; pair++) {
      for (const side of alternated(sideNames, index + pair))
        cpuUs[side] += await cpuOf(running[side], this.operations);
    }
    const units = this.operations * guardWorkloads[this.name].units;
    const costs: Partial<Record<SideName, Cost>> = {};
    for (const side of alternated(sideNames, index)) {
      const allocated = await allocatedBy(running[side], this.operations);
      costs[side] = {
        cpuUs: cpuUs[side] / (units * windows),
        heapBytes: allocated.heapBytes / units,
        bufferBytes: allocated.bufferBytes / units,
      };
    }
    return costs as Record<SideName, Cost>;
  }
}

/** How many operations take a client so many seconds of CPU time, once its code is compiled. */
async function operationsFor(side: Running, { seconds, warmUpSeconds }: TurnSettings): Promise<number> {
  let last = await side.client.mark();
  const warmAtUs = last.cpuUs + warmUpSeconds * 1e6;
  for (let operations = FIRST_OPERATIONS; ; ) {
    const mark = await run(side, operations);
    const seenSeconds = (mark.cpuUs - last.cpuUs) / 1e6;
    last = mark;
    const longEnough = seenSeconds >= seconds * TRIAL_SHARE;
    if (longEnough && mark.cpuUs >= warmAtUs) return Math.max(1, Math.round((operations * seconds) / seenSeconds));
    if (!longEnough) operations *= 2;
  }
}

function run({ client }: Running, operations: number): Promise<Mark & GuardExtra> {
  return client.act(`run:${operations}`, RUN_MS_MAX);
}

/** CPU time of both processes for so many operations. */
async function cpuOf(side: Running, operations: number): Promise<number> {
  const { server, client } = side;
  const [server0, client0] = await Promise.all([server.mark(), client.mark()]);
  const client1 = await run(side, operations);
  const server1 = await server.mark();
  return client1.cpuUs - client0.cpuUs + server1.cpuUs - server0.cpuUs;
}

async function allocatedBy(side: Running, operations: number): Promise<Pick<Allocated, 'heapBytes' | 'bufferBytes'>> {
  const both = [side.server, side.client];
  for (const child of both) await child.act('meter:begin');
  await run(side, operations);
  const marks = await Promise.all(both.map((child) => child.act('meter:end')));
  const sum = (field: 'heapBytes' | 'bufferBytes'): number =>
    marks.reduce((bytes, { allocated }) => bytes + said(allocated, 'allocated bytes')[field], 0);
  return { heapBytes: sum('heapBytes'), bufferBytes: sum('bufferBytes') };
}
