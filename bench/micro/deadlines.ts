/**
 * What a deadline costs a call that is answered in time, three ways: a number in a table that a sweep reads now and then (the
 * engine's), a list of a hashed timing wheel entered and left, and a timer of Node's own. Each with 512 calls in flight.
 */
import type { MicroTask } from './suite.js';

const CALLS = 512;
const ROUNDS_A_SWEEP = 100;
const DEADLINE_MS = 30_000;

export function deadlineTasks(): MicroTask[] {
  return [tableTask(), wheelTask(), timerTask()];
}

/** One sweep over all slots for every 100 rounds of calls: with default deadlines the engine sweeps once in 30 s. */
function tableTask(): MicroTask {
  const slots = Array.from({ length: CALLS }, () => ({ call: 0, deadlineAt: Infinity }));
  let earliest = Infinity;
  let now = 0;
  let rounds = 0;
  return {
    name: 'deadline in a table, swept',
    units: CALLS,
    unit: 'call',
    work() {
      now += 0.01;
      for (const slot of slots) {
        slot.call = 1;
        slot.deadlineAt = now + DEADLINE_MS;
        if (slot.deadlineAt < earliest) earliest = slot.deadlineAt;
      }
      if (++rounds % ROUNDS_A_SWEEP !== 0) return;
      let next = Infinity;
      for (const slot of slots) {
        if (slot.call !== 0 && slot.deadlineAt > now && slot.deadlineAt < next) next = slot.deadlineAt;
      }
      if (next === Infinity) throw new Error('the sweep saw no call');
      earliest = next;
    },
  };
}

/** A wheel of 1,024 buckets of 32 ms as doubly linked lists of slot numbers. */
function wheelTask(): MicroTask {
  const buckets = 1024;
  const next = new Int32Array(CALLS + buckets);
  const before = new Int32Array(CALLS + buckets);
  for (let head = CALLS; head < next.length; head++) next[head] = before[head] = head;
  let now = 0;
  return {
    name: 'deadline in a hashed wheel',
    units: CALLS,
    unit: 'call',
    work() {
      now += 0.01;
      for (let slot = 0; slot < CALLS; slot++) {
        const head = CALLS + (Math.floor((now + DEADLINE_MS) / 32) & (buckets - 1));
        const first = next[head];
        next[slot] = first;
        before[slot] = head;
        before[first] = slot;
        next[head] = slot;
      }
      for (let slot = 0; slot < CALLS; slot++) {
        next[before[slot]] = next[slot];
        before[next[slot]] = before[slot];
      }
      for (let head = CALLS; head < CALLS + 4; head++)
        if (next[head] !== head) throw new Error('the wheel is not empty');
    },
  };
}

function timerTask(): MicroTask {
  const timers: NodeJS.Timeout[] = [];
  let late = 0;
  return {
    name: 'deadline by setTimeout and clearTimeout',
    units: CALLS,
    unit: 'call',
    work() {
      for (let call = 0; call < CALLS; call++) timers.push(setTimeout(() => late++, DEADLINE_MS));
      for (const timer of timers.splice(0)) clearTimeout(timer);
      if (late !== 0) throw new Error('a timer ran');
    },
  };
}
