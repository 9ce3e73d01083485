/** The states of a call at the callee: each step that is drawn in `callee-slot.ts` is taken, and no other. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CallState,
  CallState as State,
  startedOf,
  transition,
  WritableSlot,
} from '../../src/connection/callee/callee-slot.js';

const names = Object.keys(State) as (keyof typeof State)[];

const drawn: Readonly<Record<keyof typeof State, readonly (keyof typeof State)[]>> = {
  FREE: ['ASSEMBLING', 'EXECUTING', 'ANSWERING'],
  ASSEMBLING: ['WAITING', 'EXECUTING', 'FREE'],
  WAITING: ['EXECUTING', 'FREE'],
  EXECUTING: ['ANSWERING', 'FREE'],
  ANSWERING: ['FREE'],
};

function slotIn(state: CallState): WritableSlot {
  const slot = new WritableSlot();
  slot.state = state;
  return slot;
}

for (const from of names) {
  for (const to of names) {
    const allowed = drawn[from].includes(to);
    test(`a call ${allowed ? 'goes' : 'does not go'} from ${from} to ${to}`, () => {
      const slot = slotIn(State[from]);
      if (allowed) transition(slot, State[to]);
      else assert.throws(() => transition(slot, State[to]), new RegExp(`invariant broken.*from ${from} to ${to}`));
      assert.is(slot.state, allowed ? State[to] : State[from]);
    });
  }
}

test('a handler has started from EXECUTING on', () => {
  const started = names.map((name) => startedOf(slotIn(State[name])));
  assert.equal(started, ['no', 'no', 'no', 'yes', 'yes']);
});

test.run();
