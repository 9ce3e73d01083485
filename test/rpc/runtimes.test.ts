/** What each supported runtime has to carry on real sockets: `.ci/run` runs this under Node, Bun and Deno. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEnds } from '../support/rpc.js';
import { collect, itemsTo, openStreams } from './stream-ends.js';

const CALLERS = 64;
const CALLS = 200;

test('E1 calls of 64 callers, each with a ledger, are all answered in whatever runtime this is', async () => {
  const { notes, server, close } = await openEnds();
  let right = 0;
  const caller = async (id: number): Promise<void> => {
    for (let call = 0; call < CALLS; call++) {
      const text = `${id}.${call}`;
      const { value, ledger } = await notes.echo.detailed({ id: call, text }, { ledger: true });
      assert.equal(value, { id: call, text });
      assert.ok(ledger !== null && ledger.totalUs >= 0, 'the ledger is there');
      right++;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, id) => caller(id)));
  assert.is(right, CALLERS * CALLS);
  assert.is(server.connectionCount, 1, 'the connection was kept');
  await close();
});

test('E1 streams of 64 callers arrive whole and in order in whatever runtime this is', async () => {
  const { streams, close } = await openStreams();
  const results = await Promise.all(
    Array.from({ length: CALLERS }, (_, id) => collect(streams.both(itemsTo(300, String(id))))),
  );
  for (const [id, items] of results.entries()) assert.equal(items, [...itemsTo(300, String(id))]);
  await close();
});

test.run();
