import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BlockedClock } from './blocked-clock.js';

test('after a blocked loop what fell due runs before the sockets are read, and afterReads after them', async () => {
  const clock = new BlockedClock();
  const order: string[] = [];
  clock.setTimer(() => {
    order.push('timer');
    clock.afterReads(() => order.push('after reads'));
  }, 100);
  setImmediate(() => setImmediate(() => order.push('read')));
  const before = clock.now();
  await clock.advanceBlocked(5_000);
  assert.equal(order, ['timer', 'read', 'after reads']);
  assert.is(clock.now() - before, 5_000);
});

test.run();
