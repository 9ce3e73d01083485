/**
 * States by name and the only steps between them. A machine keeps its drawing, its table of steps and its `transition` in one place;
 * a step that is not in the table is a defect of this program. For states that change rarely: not for every frame.
 */
import { assert } from './assert.js';

/** The states that may follow each state. */
export type Steps<S extends string> = Readonly<Record<S, readonly S[]>>;

/** Returns `to`. Throws when there is no step to it from `from`. `what`: the machine, for the error's text. */
export function step<S extends string>(what: string, steps: Steps<S>, from: S, to: S): S {
  assert(steps[from].includes(to), `${what} cannot go from ${from} to ${to}`);
  return to;
}
