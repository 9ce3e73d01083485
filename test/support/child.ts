/**
 * The other end of `process.ts`, for scripts that tests start as processes: tell the test that you are ready, and do
 * not outlive it.
 */

/** Sends `value` (anything JSON can say) as the ready message. From here on the process ends when its parent does. */
export function tellReady(value: unknown): void {
  if (process.send === undefined) throw new Error('not started by a test');
  process.once('disconnect', () => process.exit());
  process.send({ ready: value });
}
