/** CPU-bound work for handlers. */

/** A fixed amount of work that takes so long on this machine while nobody else uses it. */
export function computationOf(us: number): () => void {
  let state = 1;
  const work = (steps: number): void => {
    for (let step = 0; step < steps; step++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
  };
  const trial = 1_000_000;
  let usPerStep = Infinity;
  for (let round = 0; round < 10; round++) {
    const from = performance.now();
    work(trial);
    usPerStep = Math.min(usPerStep, ((performance.now() - from) * 1_000) / trial);
  }
  const steps = Math.round(us / usPerStep);
  return () => work(steps);
}
