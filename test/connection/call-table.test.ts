/** The caller's slots: the steps that `call-table.ts` draws and no others, and the numbers that their calls get. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CallSlot, CallTable, FREE, OPEN, OVERDUE } from '../../src/connection/caller/call-table.js';
import { LongMessage } from '../../src/connection/messages/frame-scheduler.js';
import type { MessageSender } from '../../src/connection/messages/message-sender.js';
import { unboundMethod } from '../../src/connection/methods/outgoing-methods.js';
import { ACCEPTING_SIDE, callNumber, generationOf, nextCall } from '../../src/wire/call-number.js';

const dropped: LongMessage[] = [];
const sender = { drop: (message: LongMessage) => dropped.push(message) } as unknown as MessageSender;

function take(table: CallTable, resolve: (value: unknown) => void = () => {}): CallSlot {
  const entry = table.take(unboundMethod.spec, 'request', 1_000, null, 10, resolve, () => {});
  if (entry === null) throw new Error('no slot');
  return entry;
}

function opened(table: CallTable): CallSlot {
  const entry = take(table);
  table.sent(entry, unboundMethod, 100);
  return entry;
}

test('a call that the callee has not heard of leaves its number to the next one', () => {
  const table = new CallTable(1, 0, sender);
  const entry = take(table);
  assert.is(entry.call, callNumber(0, 1, 0));
  table.release(entry);
  assert.is(take(table).call, callNumber(0, 1, 0));
  table.sent(entry, unboundMethod, 100);
  table.release(entry);
  assert.is(take(table).call, callNumber(0, 2, 0));
});

test('a request of several frames is unsent until the first of them is written', () => {
  const table = new CallTable(1, 0, sender);
  const long = new LongMessage(0, 0, 0, 0, null, Buffer.alloc(0), null);
  const entry = take(table);
  table.sending(entry, unboundMethod, long);
  const { call } = entry;
  assert.is(table.find(call), undefined);
  table.begun(entry);
  assert.is(table.find(call), entry);
  table.release(entry);
  assert.is(dropped.pop(), long);
  assert.is(take(table).call, nextCall(call));
});

test('generation 1 follows 32,767, on both sides', () => {
  for (const side of [0, ACCEPTING_SIDE] as const) {
    assert.is(nextCall(callNumber(side, 5, 65_535)), callNumber(side, 6, 65_535));
    assert.is(nextCall(callNumber(side, 0x7fff, 3)), callNumber(side, 1, 3));
    assert.is(generationOf(nextCall(callNumber(side, 0x7ffe, 0))), 0x7fff);
  }
});

test('a slot is in use until the terminal frame of its call, also of one that was cancelled', () => {
  const table = new CallTable(1, 0, sender);
  const results: unknown[] = [];
  const entry = take(table, (value) => results.push(value));
  table.sent(entry, unboundMethod, 100);
  const { call } = entry;
  table.cancelled(entry);
  entry.resolve('too late');
  assert.equal([entry.isLive, table.inUse, table.hasRoom, table.has(call)], [false, 1, false, true]);
  table.release(entry);
  assert.equal([entry.state, table.inUse, table.hasRoom, table.has(call)], [FREE, 0, true, false]);
  assert.equal([results, table.finished], [[], 0]);
});

test('an overdue call still has its promise, and ends as one that was answered late or as a cancelled one', () => {
  const table = new CallTable(2, 0, sender);
  const results: unknown[] = [];
  const entry = take(table, (value) => results.push(value));
  table.sent(entry, unboundMethod, 100);
  table.overdue(entry, 3);
  // Its promise is pending, so the process may not end yet.
  assert.is(entry.isUnsettled, true);
  assert.equal([entry.state, entry.isLive, entry.lateMs], [OVERDUE, false, 3]);
  entry.resolve('kept');
  assert.equal(results, ['kept']);
  table.cancelled(entry);
  table.release(entry);
  const other = opened(table);
  table.overdue(other, 3);
  table.finish(other);
  assert.equal([other.state, table.finished], [FREE, 1]);
});

const undrawn: readonly (readonly [string, (table: CallTable) => void])[] = [
  ['FREE to FREE', (table) => void [table.release(take(table)), table.release(table.slots[0])]],
  ['unsent to answered', (table) => table.answered(take(table))],
  ['unsent to overdue', (table) => table.overdue(take(table), 0)],
  ['unsent to CANCELLED', (table) => table.cancelled(take(table))],
  ['OPEN to OPEN', (table) => table.begun(opened(table))],
  ['answered to CANCELLED', (table) => answered(table, (entry) => table.cancelled(entry))],
  ['answered to overdue', (table) => answered(table, (entry) => table.overdue(entry, 0))],
  ['CANCELLED to overdue', (table) => cancelled(table, (entry) => table.overdue(entry, 0))],
  ['CANCELLED to answered', (table) => cancelled(table, (entry) => table.answered(entry))],
];

function answered(table: CallTable, step: (entry: CallSlot) => void): void {
  const entry = opened(table);
  table.answered(entry);
  step(entry);
}

function cancelled(table: CallTable, step: (entry: CallSlot) => void): void {
  const entry = opened(table);
  table.cancelled(entry);
  step(entry);
}

for (const [name, step] of undrawn) {
  test(`a slot does not go from ${name}`, () => {
    assert.throws(() => step(new CallTable(1, 0, sender)), `a call slot cannot go from ${name}`);
  });
}

test('an open slot is found by its number, and by no other', () => {
  const table = new CallTable(2, ACCEPTING_SIDE, sender);
  const entry = opened(table);
  assert.is(entry.state, OPEN);
  assert.is(table.find(entry.call), entry);
  assert.is(table.find(nextCall(entry.call)), undefined);
  assert.is(table.find(callNumber(ACCEPTING_SIDE, 1, 1)), undefined);
});

test.run();
