/**
 * A fixed number of calls in one process that is server and client at once, over loopback. The engine is that of the build it is given, so
 * the same program counts what two commits do.
 */
import { pathToFileURL } from 'node:url';
import type { Contender } from '../contenders/contender.js';
import type { Workload } from '../load.js';
import { ItemCheck } from '../stream/item-check.js';
import type { StreamProgram } from '../stream/program.js';
import { callersOf, type GuardWorkload } from './names.js';

export interface CountedLoad {
  /**
   * Resolves when at least so many calls have been made since the start, with their number: items of a stream come many in one turn, so
   * whoever waits may see more.
   */
  reach(calls: number): Promise<number>;
}

/** `build`: a `.build` folder. */
export async function countedLoad(build: string, workload: GuardWorkload): Promise<CountedLoad> {
  const load = async (path: string): Promise<Record<string, unknown>> =>
    (await import(pathToFileURL(`${build}/bench/${path}`).href)) as Record<string, unknown>;
  if (workload === 'stream') {
    const { engineStream } = await load('stream/engine.js');
    if (typeof engineStream !== 'function') throw new Error('its bench has no stream/engine.js');
    return itemsOf(engineStream('batches', 'generator') as StreamProgram);
  }
  const [path, name] = workload === 'blob' ? ['engine-blob.js', 'engineBlob'] : ['engine.js', 'engine'];
  const contender = (await load(`contenders/${path}`))[name as string] as Contender<unknown> | undefined;
  if (contender?.workload === undefined) throw new Error(`its bench has no ${name} with a workload`);
  return callsOf(contender, callersOf[workload]);
}

class Goal {
  private done = 0;
  private calls = Number.POSITIVE_INFINITY;
  private onReached: () => void = () => {};
  private onFailed: (error: unknown) => void = () => {};
  /** Kept for whoever asks after it happened. */
  private failure: { readonly error: unknown } | null = null;

  async reach(calls: number): Promise<number> {
    if (this.failure !== null) throw this.failure.error;
    if (this.done < calls) {
      this.calls = calls;
      await new Promise<void>((resolve, reject) => {
        this.onReached = resolve;
        this.onFailed = reject;
      });
    }
    return this.done;
  }

  /** Called with every call that is done. */
  passed(): void {
    if (++this.done < this.calls) return;
    this.calls = Number.POSITIVE_INFINITY;
    this.onReached();
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.onFailed(error);
  }
}

async function callsOf(contender: Contender<unknown>, callers: number): Promise<CountedLoad> {
  const { port } = await contender.serve('sync');
  const call = await contender.dial(port);
  const goal = new Goal();
  const { workload } = contender;
  const caller = async (id: number): Promise<void> => {
    for (;;) {
      const answer = await call(workload.make(id));
      if (!rightOf(workload, answer, id)) throw new Error('an answer was wrong');
      goal.passed();
    }
  };
  for (let id = 0; id < callers; id++) caller(id).catch((error: unknown) => goal.fail(error));
  return goal;
}

function rightOf(workload: Workload<unknown>, answer: unknown, id: number): boolean {
  return workload.looksRight(answer, id);
}

class CountingCheck extends ItemCheck {
  constructor(private readonly goal: Goal) {
    super();
  }

  override take(item: Parameters<ItemCheck['take']>[0]): void {
    super.take(item);
    if (this.wrong > 0) this.goal.fail(new Error('an item was wrong'));
    this.goal.passed();
  }

  override fail(error: unknown): void {
    this.goal.fail(error);
  }
}

async function itemsOf(program: StreamProgram): Promise<CountedLoad> {
  const { port } = await program.serve();
  const goal = new Goal();
  await program.consume(port, new CountingCheck(goal));
  return goal;
}
