/** Waits for what a test cannot be told of, without a guess at how long that takes. */
import { sleep } from '../support/rpc.js';

const PATIENCE_MS = 5_000;

/** Resolves once `holds()`; after five seconds it fails the test and names `what` did not come. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come within ${PATIENCE_MS} ms`);
    await sleep(2);
  }
}
