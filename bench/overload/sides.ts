/**
 * Both sides of `bench -- overload`. The client makes calls over many connections: in a closed loop, which finds the server's peak, and
 * at a fixed rate regardless of answers, which overloads it.
 */
import { type ClientChannel, connect, RpcError, Server } from '../../src/index.js';
import { canonicalWorkload } from '../canonical.js';
import { computationOf } from '../computation.js';
import type { Side } from '../process/side.js';
import type {
  OverloadClient,
  OverloadClientExtra,
  OverloadCounts,
  OverloadMemory,
  OverloadServer,
  OverloadServerExtra,
} from './roles.js';
import { Overload, type OverloadKind, PLACES, WAIT_MS } from './service.js';

const TICK_MS = 2;
const SAMPLE_MS = 50;
const CLOSED_DEADLINE_MS = 30_000;
const LATENCIES_MAX = 1_000_000;

export function open(role: OverloadServer | OverloadClient): Promise<Side> {
  return role.side === 'server' ? openServer(role) : openClient(role);
}

async function openServer({ kind, computeUs }: OverloadServer): Promise<Side<OverloadServerExtra>> {
  let done = 0;
  const compute = computationOf(computeUs);
  const server = new Server(kind === 'wait' ? { limits: { executingMax: PLACES } } : {}).add(Overload, {
    async wait(request) {
      await new Promise((resolve) => void setTimeout(resolve, WAIT_MS));
      done++;
      return request;
    },
    compute(request) {
      compute();
      done++;
      return request;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  let memory: OverloadMemory = { heapBytesMax: 0, rssBytesMax: 0, waitingMax: 0, refused: 0 };
  setInterval(() => {
    const { heapUsed, rss } = process.memoryUsage();
    const { waiting, refused } = server.load;
    memory = {
      heapBytesMax: Math.max(memory.heapBytesMax, heapUsed),
      rssBytesMax: Math.max(memory.rssBytesMax, rss),
      waitingMax: Math.max(memory.waitingMax, waiting),
      refused,
    };
  }, SAMPLE_MS);
  return { port, count: () => ({ done, wrong: 0, failed: 0, failure: '', memory }) };
}

/** Acts: `closed:CALLERS:SECONDS` and `open:RATE:SECONDS`. */
async function openClient(role: OverloadClient): Promise<Side<OverloadClientExtra>> {
  // Thousands of refusals a second: their stacks are not looked at.
  Error.stackTraceLimit = 0;
  const target = `tcp://127.0.0.1:${role.port}`;
  // No retries: the server's own answers are counted.
  const channels = Array.from({ length: role.connections }, () => connect(target, { retry: false }));
  await Promise.all(channels.map((channel) => channel.ready()));
  const recorder = new Recorder(channels, role.kind, role.deadlineMs);
  return {
    port: role.port,
    count: () => ({
      done: recorder.answered,
      wrong: recorder.wrong,
      failed: 0,
      failure: recorder.failure,
      overload: recorder.counts(),
    }),
    async act(name) {
      const [how, number, seconds] = name.split(':');
      recorder.reset();
      if (how === 'closed') await recorder.closed(Number(number), Number(seconds));
      else await recorder.open(Number(number), Number(seconds));
    },
  };
}

/** Makes calls and counts their outcomes. */
class Recorder {
  answered = 0;
  wrong = 0;
  failure = '';
  private made = 0;
  private refused = 0;
  private late = 0;
  private here = 0;
  private mayHaveRun = 0;
  private ms = 0;
  private unanswered = 0;
  private readonly latencies = new Float64Array(LATENCIES_MAX);
  private readonly calls: ((id: number, deadlineMs: number) => Promise<void>)[];

  constructor(
    channels: readonly ClientChannel[],
    kind: OverloadKind,
    private readonly openDeadlineMs: number,
  ) {
    this.calls = channels.map((channel) => {
      const call = channel.client(Overload)[kind];
      return async (id, deadlineMs) => {
        const from = performance.now();
        try {
          const answer = await call(canonicalWorkload.make(id), { deadlineMs });
          if (!canonicalWorkload.isRight(answer, id)) this.wrong++;
          if (this.answered < LATENCIES_MAX) this.latencies[this.answered] = performance.now() - from;
          this.answered++;
        } catch (error) {
          this.count(error);
        }
      };
    });
  }

  reset(): void {
    this.answered = this.made = this.refused = this.late = this.here = this.mayHaveRun = this.ms = 0;
  }

  /** A closed loop: each caller makes its next call when its last one has ended, however long that takes. */
  async closed(callers: number, seconds: number): Promise<void> {
    const from = performance.now();
    const until = from + seconds * 1_000;
    const caller = async (id: number): Promise<void> => {
      while (performance.now() < until) await this.call(id, CLOSED_DEADLINE_MS);
    };
    await Promise.all(Array.from({ length: callers }, (_, id) => caller(id)));
    this.ms = performance.now() - from;
  }

  /** An open loop at this rate, in calls/s. Resolves when all calls have ended. */
  async open(perSecond: number, seconds: number): Promise<void> {
    const from = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const ms = performance.now() - from;
        if (ms < seconds * 1_000) {
          for (let due = (ms / 1_000) * perSecond - this.made; due > 0; due--)
            void this.call(this.made, this.openDeadlineMs);
          return;
        }
        if (this.ms === 0) this.ms = ms;
        if (this.unanswered > 0) return;
        clearInterval(timer);
        resolve();
      }, TICK_MS);
    });
  }

  counts(): OverloadCounts {
    const sorted = this.latencies.subarray(0, Math.min(this.answered, LATENCIES_MAX)).toSorted();
    const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
    const { made, answered, refused, late, here, mayHaveRun, ms } = this;
    return { made, answered, refused, late, here, mayHaveRun, ms, p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  private async call(id: number, deadlineMs: number): Promise<void> {
    const call = this.calls[this.made++ % this.calls.length];
    this.unanswered++;
    await call?.(id, deadlineMs);
    this.unanswered--;
  }

  private count(error: unknown): void {
    if (!(error instanceof RpcError)) throw error;
    if (error.started !== 'no') this.mayHaveRun++;
    else if (error.code === 'DEADLINE_EXCEEDED') this.late++;
    else if (error.code !== 'RESOURCE_EXHAUSTED') this.failure = String(error);
    else if (error.elsewhere) this.refused++;
    else this.here++;
  }
}
