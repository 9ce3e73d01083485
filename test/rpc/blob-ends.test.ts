/** How blobs end early: left, cancelled, failed, out of time, without a connection; and what holds them back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultLimits, type OutgoingBlob, RpcError } from '../../src/index.js';
import { failureOf, gate, sleep } from '../support/rpc.js';
import { info, MIB, openFiles } from './files.js';
import { until } from './until.js';

/** Endless pieces of 64 KiB, and how many were taken. */
function endless() {
  const source = {
    taken: 0,
    ended: false,
    *pieces() {
      try {
        for (;;) {
          source.taken++;
          yield Buffer.alloc(65_536, 'e');
        }
      } finally {
        source.ended = true;
      }
    },
  };
  return source;
}

/** Reads to the end; resolves with the bytes read and the failure, if there was one. */
async function drained(body: AsyncIterable<Buffer>): Promise<{ bytes: number; failure: RpcError | null }> {
  let bytes = 0;
  try {
    for await (const piece of body) bytes += piece.length;
  } catch (error) {
    assert.instance(error, RpcError);
    return { bytes, failure: error as RpcError };
  }
  return { bytes, failure: null };
}

test('a handler whose body fails: what it gave before arrives first', async () => {
  const { files, close } = await openFiles({
    put: ({ head }) => ({
      head,
      body: (async function* () {
        for (let sent = 0; sent < 10; sent++) yield Buffer.alloc(100_000);
        throw new RpcError('DATA_LOSS', 'the disk is broken');
      })(),
    }),
  });
  const { body } = await files.put({ head: info(0), body: null });
  const { bytes, failure } = await drained(body);
  assert.is(bytes, 1_000_000);
  assert.is(failure?.code, 'DATA_LOSS');
  assert.is(failure?.started, 'yes');
  assert.is((await body.next()).done, true, 'the failure is told once');
  await close();
});

test('a handler that throws, or gives no blob, fails the call', async () => {
  const errors: unknown[] = [];
  const { files, close } = await openFiles(
    {
      put: ({ head }) => {
        if (head.name === 'throws') throw new RpcError('NOT_FOUND', 'no such file');
        return { head } as unknown as OutgoingBlob<{ name: string }>;
      },
    },
    { server: { onHandlerError: (error) => errors.push(error) } },
  );
  assert.is((await failureOf(files.put({ head: { name: 'throws' }, body: null }))).code, 'NOT_FOUND');
  assert.is((await failureOf(files.put({ head: { name: 'x' }, body: Buffer.alloc(MIB) }))).code, 'INTERNAL');
  assert.match(String(errors[0]), /gave no blob/);
  await close();
});

test('a source that fails cancels the call, and the handler learns of it behind what had come', async () => {
  let seen: Awaited<ReturnType<typeof drained>> | null = null;
  const { files, close } = await openFiles({
    async put({ head, body }) {
      seen = await drained(body);
      return { head, body: null };
    },
  });
  const body = (async function* () {
    yield Buffer.alloc(10_000);
    await sleep(20);
    throw new Error('the disk is broken');
  })();
  const failure = await failureOf(files.put({ head: info(0), body }));
  assert.is(failure.code, 'CANCELLED');
  assert.match(failure.message, /the disk is broken/);
  await until(() => seen !== null, 'the handler has ended');
  const { failure: told } = seen as unknown as Awaited<ReturnType<typeof drained>>;
  assert.is(told?.code, 'CANCELLED');
  await close();
});

test('what is no blob, or gives no bytes, is refused where it is given', async () => {
  const { files, close } = await openFiles();
  const put = files.put as (blob: unknown) => Promise<unknown>;
  for (const wrong of [null, 'x', {}, { head: info(0) }, { head: info(0), body: 'text' }, { head: info(0), body: 7 }]) {
    assert.is((await failureOf(put(wrong))).code, 'INVALID_ARGUMENT', JSON.stringify(wrong));
  }
  const strings = await failureOf(put({ head: info(0), body: ['text'] }));
  assert.is(strings.code, 'INVALID_ARGUMENT');
  assert.match(strings.message, /Buffers or Uint8Arrays/);
  assert.is((await failureOf(put({ head: { bytes: 1 }, body: null }))).code, 'INVALID_ARGUMENT', 'a wrong head');
  await close();
});

test('leaving the loop early cancels: the source of the handler ends, and the connection stays open', async () => {
  const source = endless();
  const { files, close } = await openFiles({ put: ({ head }) => ({ head, body: source.pieces() }) });
  const { body } = await files.put({ head: info(0), body: null });
  let pieces = 0;
  for await (const _piece of body) if (++pieces === 20) break;
  await until(() => source.ended, 'the generator has ended');
  const next = await files.rawHead({ head: Buffer.from('next'), body: null });
  assert.is(Buffer.from(next.head).toString(), 'next');
  await next.body.return();
  await close();
});

test('a signal ends both directions at once', async () => {
  const source = endless();
  let reason: unknown;
  const { files, close } = await openFiles({
    put: ({ head, body }, context) => {
      context.signal.addEventListener('abort', () => {
        reason = context.signal.reason;
      });
      return { head, body };
    },
  });
  const controller = new AbortController();
  const { body } = await files.put({ head: info(0), body: source.pieces() }, { signal: controller.signal });
  let bytes = 0;
  const failure = await failureOf(
    (async () => {
      for await (const piece of body) {
        bytes += piece.length;
        if (bytes > 2 * MIB) controller.abort();
      }
    })(),
  );
  assert.is(failure.code, 'CANCELLED');
  await until(() => source.ended && reason !== undefined, 'both ends are told');
  assert.is((reason as RpcError).code, 'CANCELLED');
  await close();
});

test('the deadline is that of the whole call', async () => {
  const source = endless();
  const { files, close } = await openFiles();
  const { body } = await files.put({ head: info(0), body: source.pieces() }, { deadlineMs: 150 });
  const { bytes, failure } = await drained(body);
  assert.ok(bytes > 0);
  assert.is(failure?.code, 'DEADLINE_EXCEEDED');
  await until(() => source.ended, 'the source has ended');
  await close();
});

test('a connection that is lost ends both bodies', async () => {
  const source = endless();
  let seen: Awaited<ReturnType<typeof drained>> | null = null;
  const entered = gate();
  const { files, server, close } = await openFiles({
    async put({ head, body }) {
      entered.open();
      seen = await drained(body);
      return { head, body: null };
    },
  });
  const answer = failureOf(files.put({ head: info(0), body: source.pieces() }));
  await entered.opened;
  await server.close();
  assert.is((await answer).code, 'UNAVAILABLE');
  await until(() => source.ended && seen !== null, 'both ends are told');
  assert.is.not((seen as unknown as Awaited<ReturnType<typeof drained>>).failure, null);
  await close();
});

test('a drain lets a blob finish', async () => {
  const entered = gate();
  const { files, server, channel } = await openFiles({
    put: ({ head, body }) => {
      entered.open();
      return { head, body };
    },
  });
  const bytes = Buffer.alloc(16 * MIB, 'd');
  const answer = files.put({ head: info(bytes.length), body: bytes });
  await entered.opened;
  const over = server.drain({ graceMs: 10_000 });
  const { body } = await answer;
  assert.ok((await body.buffer({ bytesMax: 16 * MIB })).equals(bytes));
  await over;
  await channel.close();
});

test('F21 a handler that does not read holds back its caller within the window, and no other call', async () => {
  const source = endless();
  const held = gate();
  const { files, close } = await openFiles({
    async put({ head }) {
      await held.opened;
      return { head, body: null };
    },
  });
  const answer = files.put({ head: info(0), body: source.pieces() });
  await until(() => source.taken > 2, 'the source is read');
  const other = Buffer.alloc(3 * MIB, 'o');
  for (let round = 0; round < 5; round++) {
    const { body } = await files.rawHead({ head: Buffer.alloc(0), body: other });
    assert.ok((await body.buffer()).equals(other));
  }
  // Each piece costs 65,548; the last one taken may wait.
  assert.ok(source.taken <= defaultLimits.streamWindowBytes / 65_536 + 1, `${source.taken} pieces were taken`);
  held.open();
  await (await answer).body.return();
  await until(() => source.ended, 'the answer ends the sending');
  await close();
});

test('metadata goes with the request and comes with the end', async () => {
  const { files, close } = await openFiles({
    put: ({ head }, context) => {
      context.responseMetadata = { echo: context.metadata.tenant ?? '' };
      return { head, body: Buffer.from('body') };
    },
  });
  const { body } = await files.put({ head: info(0), body: null }, { metadata: { tenant: 'a' } });
  await body.buffer();
  assert.equal({ ...body.metadata }, { echo: 'a' });
  await close();
});

test.run();
