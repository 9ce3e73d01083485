import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError } from '../../src/base/errors.js';
import { loadCompressor, loadCompressors } from '../../src/compression/load.js';
import type { Lz4Import, Lz4Package } from '../../src/compression/lz4.js';
import { referenceDecode } from './lz4-reference.js';

async function refusal(importLz4: Lz4Import): Promise<RpcError> {
  try {
    await loadCompressor('lz4', importLz4);
  } catch (error) {
    assert.instance(error, RpcError);
    return error as RpcError;
  }
  throw new Error('the package was accepted');
}

const missing: Lz4Import = () =>
  Promise.reject(
    Object.assign(new Error("Cannot find package 'lz4-napi' imported from /app/lz4.js"), {
      code: 'ERR_MODULE_NOT_FOUND',
    }),
  );

test('without lz4-napi, asking for LZ4 names the package and how to install it', async () => {
  const error = await refusal(missing);
  assert.is(error.code, 'FAILED_PRECONDITION');
  assert.is(error.started, 'no');
  assert.match(error.message, "compression 'lz4' needs the optional package lz4-napi, which is not installed");
  assert.match(error.message, 'npm install lz4-napi');
});

test('an lz4-napi without a binary for this platform is told apart from a missing one', async () => {
  const error = await refusal(() => Promise.reject(new Error('Cannot find native binding')));
  assert.is(error.code, 'FAILED_PRECONDITION');
  assert.match(error.message, `does not load on ${process.platform}-${process.arch}`);
  assert.match(error.message, 'Cannot find native binding');
});

test('without lz4-napi, everything but LZ4 works', async () => {
  assert.equal(await loadCompressors(['off', 'off'], missing), []);
  const [gzip, ...rest] = await loadCompressors(['gzip', 'off', 'gzip'], missing);
  assert.is(gzip?.name, 'gzip');
  assert.equal(rest, []);
});

test('each codec is loaded once, under its number on the wire', async () => {
  const loaded = await loadCompressors(['lz4', 'off', 'gzip', 'lz4']);
  assert.equal(
    loaded.map(({ name, id, ratioMax }) => ({ name, id, ratioMax })),
    [
      { name: 'lz4', id: 1, ratioMax: 255 },
      { name: 'gzip', id: 2, ratioMax: 1_032 },
    ],
  );
});

/** A package whose decoder is strict except that a match may start anywhere, as lz4-napi up to 2.9.0 allowed. */
function careless(forgives: (offset: number) => boolean): Lz4Package {
  return {
    compressSync: (data) => data,
    uncompressSync(sized) {
      const block = sized.subarray(4);
      const forgiven = Buffer.from(block);
      // All examined blocks are one literal and one match.
      if (forgives(block.readUInt16LE(2))) forgiven.writeUInt16LE(1, 2);
      const message = referenceDecode(forgiven, sized.readUInt32LE(0));
      if (message === null) throw new Error('damaged');
      return message;
    },
  };
}

test('an lz4-napi whose decoder accepts a zero or out-of-range offset is refused at loading', async () => {
  for (const forgives of [(offset: number) => offset === 0, (offset: number) => offset > 1]) {
    const error = await refusal(async () => careless(forgives));
    assert.is(error.code, 'FAILED_PRECONDITION');
    assert.match(error.message, 'accepts forged blocks');
    assert.match(error.message, 'npm install lz4-napi@^2.10.0');
  }
  const strict = await loadCompressor('lz4', async () => careless(() => false));
  assert.is(strict.name, 'lz4');
});

test.run();
