/** The closed loop that every figure of the bench comes from: it must notice what is wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../../bench/canonical.js';
import { Load } from '../../bench/load.js';

type Call = (record: Canonical) => Promise<Canonical>;

/** Runs `callers` until so many calls are done. */
async function runUntil(done: number, callers: number, call: Call): Promise<Load<Canonical>> {
  const load = new Load(canonicalWorkload, call);
  load.target = done;
  load.onTarget = () => load.stop();
  await load.run(callers);
  return load;
}

const echo: Call = async (record) => ({ ...record });

test('right answers are counted and nothing else is', async () => {
  const load = await runUntil(1000, 8, echo);
  assert.ok(load.done >= 1000);
  assert.is(load.wrong, 0);
  assert.is(load.failed, 0);
});

test('each caller has one call open at a time, and all of them have', async () => {
  let open = 0;
  let most = 0;
  await runUntil(200, 16, async (record) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => void setImmediate(resolve));
    open--;
    return record;
  });
  assert.is(most, 16);
});

test('an answer that belongs to another caller is wrong', async () => {
  const load = await runUntil(100, 4, async (record) => canonicalRecord((record.id + 1) % 4));
  assert.is(load.wrong, load.done);
});

test('a part that only the full check looks at is found wrong too', async () => {
  const load = await runUntil(5000, 1, async (record) => ({ ...record, score: 1.25 }));
  assert.ok(load.wrong > 0);
});

test('a call that fails stops its caller and keeps the first text', async () => {
  let calls = 0;
  const load = new Load(canonicalWorkload, async (record) => {
    if (++calls > 10) throw new Error(`call ${calls} failed`);
    return record;
  });
  await load.run(3);
  assert.is(load.failed, 3);
  assert.is(load.failure, 'Error: call 11 failed');
});

test.run();
