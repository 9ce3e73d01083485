/**
 * One micro benchmark: a piece of work that tinybench repeats. The work is repeated inside the task too (`units` times), since an
 * empty task reads some 40 ns, and it checks its own result: a task that throws fails the run.
 */
import { Bench } from 'tinybench';

export interface MicroTask {
  readonly name: string;
  /** What one run of `work` does so many times: one record, one frame, one byte. */
  readonly units: number;
  readonly unit: string;
  readonly work: () => void;
}

export interface MicroResult {
  readonly name: string;
  readonly unit: string;
  /** Median. */
  readonly nsPerUnit: number;
  /** The fastest run: what the work costs when nothing disturbs it. */
  readonly nsPerUnitLeast: number;
  /** Relative margin of error of the mean, in percent. */
  readonly errorPercent: number;
}

/** How long each task runs, and how often at least. */
export interface MicroEffort {
  readonly ms: number;
  readonly runsMin: number;
}

export async function runTasks(tasks: readonly MicroTask[], { ms, runsMin }: MicroEffort): Promise<MicroResult[]> {
  const bench = new Bench({
    time: ms,
    iterations: runsMin,
    warmupTime: ms / 4,
    warmupIterations: Math.max(1, runsMin >> 2),
    throws: true,
  });
  for (const { name, work } of tasks) bench.add(name, () => work(), { async: false });
  await bench.run();
  return tasks.map(({ name, unit, units }) => {
    const result = bench.getTask(name)?.result;
    if (result?.state !== 'completed') throw new Error(`${name} was not measured: ${result?.state}`);
    const { p50, min, rme } = result.latency;
    return { name, unit, nsPerUnit: (p50 * 1e6) / units, nsPerUnitLeast: (min * 1e6) / units, errorPercent: rme };
  });
}
