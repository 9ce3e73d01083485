/** Assertions for errors of the programmer, never for what a peer or a user sent. They stay on in production. */

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Trunkline invariant broken: ${message}`);
}
