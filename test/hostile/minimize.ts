/**
 * Makes a failing case small: leaves out steps, calls and bytes as long as some problem remains. What is left is what a person
 * has to look at, and what goes into `regressions.test.ts`.
 */
import type { Act, HostileCase, Step } from './hostile-case.js';
import { runCase } from './live-run.js';

/** Runs that a reduction may take. */
const RUNS_MAX = 4_000;

/** A case with a fixed list of steps. */
export type FixedCase = HostileCase & { readonly steps: readonly Step[] };

export async function minimize(hostile: FixedCase): Promise<FixedCase> {
  let runs = 0;
  let best = hostile;
  const keepIfFailing = async (candidate: FixedCase): Promise<boolean> => {
    if (runs++ > RUNS_MAX || (await runCase(candidate)).problem === null) return false;
    best = candidate;
    return true;
  };
  // Frames whole as single steps: cut at the end of each frame, so that they can be left out one by one.
  await keepIfFailing({ ...best, steps: byFrames(best.steps) });
  for (let removed = true; removed; ) {
    removed = false;
    for (let index = best.steps.length - 1; index >= 0; index--) {
      if (await keepIfFailing({ ...best, steps: best.steps.toSpliced(index, 1) })) removed = true;
    }
    for (let index = best.calls.length - 1; index >= 0; index--) {
      if (await keepIfFailing({ ...best, calls: best.calls.toSpliced(index, 1) })) removed = true;
    }
    removed = (await shortenSteps(() => best, keepIfFailing)) || removed;
  }
  return best;
}

async function shortenSteps(
  best: () => FixedCase,
  keepIfFailing: (candidate: FixedCase) => Promise<boolean>,
): Promise<boolean> {
  let removed = false;
  for (let index = 0; index < best().steps.length; index++) {
    for (let size = lengthOf(best().steps[index]) >> 1; size >= 1; size >>= 1) {
      for (let at = 0; ; ) {
        const step = best().steps[index];
        if (!Buffer.isBuffer(step) || at + size > step.length || step.length <= size) break;
        const shorter = Buffer.concat([step.subarray(0, at), step.subarray(at + size)]);
        if (await keepIfFailing({ ...best(), steps: best().steps.with(index, shorter) })) removed = true;
        else at += size;
      }
    }
  }
  return removed;
}

function byFrames(steps: readonly Step[]): readonly Step[] {
  const found: Step[] = [];
  let rest = Buffer.alloc(0);
  let preface = true;
  for (const step of steps) {
    if (!Buffer.isBuffer(step)) {
      if (rest.length > 0) found.push(rest);
      rest = Buffer.alloc(0);
      found.push(step);
      continue;
    }
    rest = Buffer.concat([rest, step]);
    for (;;) {
      const bytes = preface ? 8 : rest.length < 12 ? 12 : 12 + rest.readUInt32LE(0);
      if (rest.length < bytes) break;
      preface = false;
      found.push(rest.subarray(0, bytes));
      rest = rest.subarray(bytes);
    }
  }
  if (rest.length > 0) found.push(rest);
  return found;
}

/** A case as TypeScript, for `regressions.test.ts`. */
export function describeCase(hostile: FixedCase): string {
  const steps = hostile.steps.map((step) => {
    if (typeof step === 'string') return `'${step satisfies Act}'`;
    return Buffer.isBuffer(step) ? `bytes('${step.toString('hex')}')` : literal(step);
  });
  const { side, setting, calls } = hostile;
  return `{ side: '${side}', setting: '${setting}', calls: ${literal(calls)}, steps: [\n  ${steps.join(',\n  ')},\n] }`;
}

function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll('null', 'Infinity');
}

function lengthOf(step: Step | undefined): number {
  return Buffer.isBuffer(step) ? step.length : 0;
}
