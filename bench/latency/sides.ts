/**
 * Both sides of `bench -- latency`. The client has one connection to its contender and makes calls over it in one of two ways: in a
 * closed loop, which finds the peak, and at a fixed rate.
 */
import { Load } from '../load.js';
import { sleep } from '../measure.js';
import type { Side } from '../process/side.js';
import { loadLatencyContender } from './contenders.js';
import { type OpenCounts, OpenLoop } from './open-loop.js';
import type { LatencyClient, LatencyClientExtra, LatencyServer, LatencyServerExtra } from './roles.js';

export function open(role: LatencyServer | LatencyClient): Promise<Side> {
  return role.side === 'server' ? openServer(role) : openClient(role);
}

async function openServer(role: LatencyServer): Promise<Side<LatencyServerExtra>> {
  const contender = await loadLatencyContender(role.contender);
  const { port, calls, wrong = () => 0, otherCpuUs = () => 0 } = await contender.serve('sync');
  return {
    port,
    count: () => ({ done: calls(), wrong: wrong(), failed: 0, failure: '', otherCpuUs: otherCpuUs() }),
    act: (name) => spin(Number(name.split(':')[1])),
  };
}

async function openClient(role: LatencyClient): Promise<Side<LatencyClientExtra>> {
  const contender = await loadLatencyContender(role.contender);
  const { workload } = contender;
  const call = await contender.dial(role.port);
  const total = { done: 0, wrong: 0, failed: 0, failure: '' };
  let closedPerSecond = 0;
  let opened: OpenCounts | null = null;

  const add = ({ done, wrong, failed, failure }: typeof total): void => {
    total.done += done;
    total.wrong += wrong;
    total.failed += failed;
    if (total.failure === '') total.failure = failure;
  };

  const closedLoop = async (callers: number, warmUpSeconds: number, seconds: number): Promise<void> => {
    const load = new Load(workload, call);
    const ended = load.run(callers);
    await sleep(warmUpSeconds);
    const from = { done: load.done, ms: performance.now() };
    await sleep(seconds);
    closedPerSecond = (1_000 * (load.done - from.done)) / (performance.now() - from.ms);
    load.stop();
    await ended;
    add(load);
  };

  const openLoop = async (
    how: typeof call,
    perSecond: number,
    warmUpSeconds: number,
    seconds: number,
  ): Promise<void> => {
    const loop = new OpenLoop(workload, how, role.outstandingMax);
    opened = await loop.run({ perSecond, warmUpSeconds, seconds });
    add(loop);
  };

  return {
    port: role.port,
    count: () => ({ ...total, closedPerSecond, opened }),
    /** `closed:CALLERS:WARMUP:SECONDS`, `open:RATE:WARMUP:SECONDS`, and `alone`, which is `open` with a call that answers itself at once. */
    async act(name) {
      const [how, number, warmUp, seconds] = name.split(':');
      const times = [Number(number), Number(warmUp), Number(seconds)] as const;
      if (how === 'closed') await closedLoop(...times);
      else await openLoop(how === 'open' ? call : async (message) => message, ...times);
    },
  };
}

/** Keeps its core busy for this long, turn after turn of the event loop. */
function spin(seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1_000;
  return new Promise((resolve) => {
    const turn = (): void => {
      if (performance.now() >= untilMs) resolve();
      else setImmediate(turn);
    };
    turn();
  });
}
