/** `bench -- micro`: the codec, the frame decoder and the choice of an endpoint alone, in this process. */
import { codecTasks } from '../micro/codec.js';
import { deadlineTasks } from '../micro/deadlines.js';
import { chunkSizes, longFrameName, longFrameTask, smallFramesTask } from '../micro/frames.js';
import { balanceTasks } from '../micro/picks.js';
import { type MicroResult, runTasks } from '../micro/suite.js';
import { command, option } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { fixed, table, whole } from '../report/table.js';

export interface MicroSettings {
  /** Time for each task. */
  readonly ms: number;
  /** Lengths of the long frame, the shorter first. */
  readonly frameBytes: readonly [number, number];
  /** Say whether the cost is linear: not from runs of a moment, nor from frames that fit into a cache. */
  readonly judged: boolean;
}

const MEBIBYTE = 1024 * 1024;
/** Twice the cost per byte would be far from linear; smaller differences come from memory and garbage collection. */
const LINEAR_RATIO_MAX = 2;

const options = {
  ms: option.number('MS', 1000, 1, 'time for each task'),
} as const;

export const microCommand = command(
  'micro',
  'codec, frame decoder, deadlines and choice of an endpoint alone',
  options,
  async (values) => {
    console.log(`${environmentText(describeEnvironment(findPinning().text))}\n`);
    await micro({ ms: values.ms, frameBytes: [MEBIBYTE, 4 * MEBIBYTE], judged: true });
    return 0;
  },
);

/** Prints the results. Throws when a codec or the decoder gave something else than it should. */
export async function micro({ ms, frameBytes, judged }: MicroSettings): Promise<void> {
  const results = await runTasks([...codecTasks(), smallFramesTask(), ...deadlineTasks(), ...balanceTasks()], {
    ms,
    runsMin: 16,
  });
  // One run of a long frame byte by byte takes a good part of a second.
  const long = chunkSizes.flatMap((chunk) => frameBytes.map((bytes) => longFrameTask(bytes, chunk)));
  results.push(...(await runTasks(long, { ms, runsMin: 2 })));
  const rows = results.map(({ name, unit, nsPerUnit, errorPercent }) => [
    name,
    `${fixed(nsPerUnit, nsPerUnit < 10 ? 3 : 1)} ns`,
    `per ${unit}`,
    whole(1e9 / nsPerUnit),
    `${fixed(errorPercent, 1)} %`,
  ]);
  console.log(table([['work', 'median', '', 'a second', 'error +-'], ...rows], 1));
  if (!judged) return;
  console.log();
  for (const chunk of chunkSizes) console.log(growthLine(results, frameBytes, chunk));
}

/** What a byte costs in the longer frame, compared with the shorter, at their fastest: 1 when the cost is linear. */
function growthLine(results: readonly MicroResult[], [short, long]: readonly [number, number], chunk: number): string {
  const of = (bytes: number): number =>
    results.find(({ name }) => name === longFrameName(bytes, chunk))?.nsPerUnitLeast ?? Number.NaN;
  const growth = of(long) / of(short);
  const verdict = growth < LINEAR_RATIO_MAX ? 'linear' : 'NOT linear';
  return `chunks of ${chunk} bytes: a byte costs ${fixed(growth, 2)} x as much in a frame ${long / short} times as long: ${verdict}`;
}
