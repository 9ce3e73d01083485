/**
 * Callers that each make a call, wait for its answer, think, and make the next, against servers with queues, in virtual time: what a
 * balancer does to latencies. No network and no engine, so that millions of calls take seconds; the policies are the real ones.
 */
import { Ejection } from '../../src/resilience/ejection.js';
import type { Balancer, Picker } from '../../src/resilience/picker.js';
import type { Random } from '../support/seed.js';
import { contextOf, TestEndpoint } from './candidates.js';

export interface ServerModel {
  /** Mean time that a call takes once a worker has it, exponentially distributed. */
  readonly serviceMs: number;
  /** Calls at once; the others wait in order. */
  readonly workers: number;
  /** Share of the calls that fail, which takes 0.2 ms and no worker. */
  readonly failing?: number;
}

export interface LoopModel {
  readonly servers: readonly ServerModel[];
  readonly balancer: Balancer;
  /** Clients, each with statistics and a picker of its own. */
  readonly channels: number;
  /** Callers of all channels together. */
  readonly callers: number;
  /** Mean time between the answer and the next call, exponentially distributed; 0: none. */
  readonly thinkMs: number;
  readonly calls: number;
  /** Calls that are not counted, at the beginning. */
  readonly warmUp: number;
  readonly ejection?: boolean;
}

export interface LoopResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of the counted calls that each server got. */
  readonly shares: readonly number[];
  /** Calls that failed, of all. */
  readonly failed: number;
  /** Calls made at a server while it was ejected. */
  readonly madeWhileEjected: number;
  readonly callsPerSecond: number;
}

interface Call {
  readonly channel: Channel;
  readonly endpoint: TestEndpoint;
  readonly startedAt: number;
  fails: boolean;
}

interface Server {
  readonly model: ServerModel;
  readonly waiting: Call[];
  running: number;
}

interface Channel {
  readonly endpoints: readonly TestEndpoint[];
  readonly ejection: Ejection<TestEndpoint> | null;
  picker: Picker<TestEndpoint>;
}

const FAILURE_MS = 0.2;

export function closedLoop(model: LoopModel, random: Random): LoopResult {
  return new ClosedLoop(model, random).run();
}

class ClosedLoop {
  private readonly events = new EventQueue();
  private readonly servers: readonly Server[];
  private readonly channels: readonly Channel[];
  private readonly latencies: number[] = [];
  private readonly counts: number[];
  private now = 1;
  private done = 0;
  private failed = 0;
  private madeWhileEjected = 0;
  private readonly service: Random;
  private readonly thought: Random;

  constructor(
    private readonly model: LoopModel,
    private readonly random: Random,
  ) {
    this.service = random.fork('service');
    this.thought = random.fork('thought');
    this.servers = model.servers.map((server) => ({ model: server, waiting: [], running: 0 }));
    this.counts = model.servers.map(() => 0);
    this.channels = Array.from({ length: model.channels }, () => this.channel());
  }

  run(): LoopResult {
    const { callers, calls, warmUp } = this.model;
    for (let caller = 0; caller < callers; caller++) this.think(this.channels[caller % this.channels.length]);
    while (this.done < calls) {
      const { at, action } = this.events.take();
      this.now = at;
      action();
    }
    const sorted = Float64Array.from(this.latencies).sort();
    return {
      p50Ms: sorted[Math.floor(sorted.length * 0.5)],
      p99Ms: sorted[Math.floor(sorted.length * 0.99)],
      shares: this.counts.map((count) => count / (calls - warmUp)),
      failed: this.failed,
      madeWhileEjected: this.madeWhileEjected,
      callsPerSecond: (calls / this.now) * 1000,
    };
  }

  private channel(): Channel {
    const all = this.servers.map((_, index) => new TestEndpoint(`tcp://e${index}:1`));
    const context = contextOf(this.random.fork('picks'));
    const { balancer } = this.model;
    const ejection = this.model.ejection === true ? new Ejection<TestEndpoint>({}, context.random) : null;
    const channel: Channel = { endpoints: all, ejection, picker: balancer(all, context) };
    const judge = (): void => {
      if (ejection === null || !ejection.update(all, this.now)) return;
      const left = all.filter((endpoint) => !ejection.isEjected(endpoint));
      channel.picker = balancer(left, context);
    };
    for (const endpoint of all) {
      endpoint.stats.onFailed = () => {
        judge();
        if (ejection !== null && ejection.nextAt < Infinity) this.events.add(ejection.nextAt, judge);
      };
    }
    return channel;
  }

  private think(channel: Channel): void {
    this.events.add(this.now + exponential(this.thought, this.model.thinkMs), () => this.call(channel));
  }

  private call(channel: Channel): void {
    const endpoint = channel.picker.pick(undefined, undefined);
    if (channel.ejection?.isEjected(endpoint) === true) this.madeWhileEjected++;
    endpoint.load++;
    const server = this.servers[channel.endpoints.indexOf(endpoint)];
    const call: Call = { channel, endpoint, startedAt: this.now, fails: false };
    if (this.service.unit() < (server.model.failing ?? 0)) {
      call.fails = true;
      this.events.add(this.now + FAILURE_MS, () => this.end(call));
    } else if (server.running < server.model.workers) this.start(server, call);
    else server.waiting.push(call);
  }

  private start(server: Server, call: Call): void {
    server.running++;
    this.events.add(this.now + exponential(this.service, server.model.serviceMs), () => {
      server.running--;
      const next = server.waiting.shift();
      if (next !== undefined) this.start(server, next);
      this.end(call);
    });
  }

  private end({ channel, endpoint, startedAt, fails }: Call): void {
    endpoint.load--;
    const latencyMs = this.now - startedAt;
    if (fails) {
      this.failed++;
      endpoint.stats.onFailure(this.now, 'UNAVAILABLE');
    } else endpoint.stats.onAnswer(this.now, latencyMs);
    if (++this.done > this.model.warmUp) {
      this.latencies.push(latencyMs);
      this.counts[channel.endpoints.indexOf(endpoint)]++;
    }
    this.think(channel);
  }
}

function exponential(random: Random, mean: number): number {
  return mean === 0 ? 0 : -mean * Math.log(1 - random.unit());
}

interface Event {
  readonly at: number;
  readonly action: () => void;
}

/** A binary heap by time. */
class EventQueue {
  private readonly heap: Event[] = [];

  add(at: number, action: () => void): void {
    const { heap } = this;
    let index = heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (heap[above].at <= at) break;
      heap[index] = heap[above];
      index = above;
    }
    heap[index] = { at, action };
  }

  take(): Event {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined) throw new Error('nothing is due any more');
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1].at < heap[below].at) below++;
      if (heap[below].at >= last.at) break;
      heap[index] = heap[below];
      index = below;
    }
    heap[index] = last;
    return first;
  }
}
