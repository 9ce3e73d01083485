/** The compressed messages of `spec/vectors/messages` through the engine's codecs. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rpcCodeName } from '../../src/base/codes.js';
import { RpcError } from '../../src/base/errors.js';
import type { Compressor } from '../../src/compression/compressor.js';
import { gzip } from '../../src/compression/gzip.js';
import { loadLz4 } from '../../src/compression/lz4.js';
import { decompressMessage } from '../../src/compression/message.js';
import { projectRoot } from '../support/root.js';
import { type CompressionCase, expandHex } from '../support/vectors/view.js';

const path = new URL('spec/vectors/messages/compression.json', projectRoot);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: CompressionCase[] };

test('B31 B32 B33 B34 every compressed message gives its bytes or the error that is listed', async () => {
  const codecs: readonly Compressor[] = [await loadLz4(), gzip];
  assert.ok(cases.length > 20);
  for (const { description, accepted, messageBytesMax, wire, message, error } of cases) {
    const bytes = expandHex(wire);
    const listed = codecs.filter((codec) => accepted.includes(codec.name));
    let given = 'none';
    try {
      const result = decompressMessage(bytes, 0, bytes.length, listed, messageBytesMax);
      if (message !== null) assert.is(result.toString('hex'), expandHex(message).toString('hex'), description);
    } catch (thrown) {
      if (!(thrown instanceof RpcError)) throw thrown;
      given = rpcCodeName(thrown.number);
    }
    assert.ok(error === null ? given === 'none' : error.codes.includes(given), `${description}: ${given}`);
  }
});

test('the message of a vector survives compression and decompression', async () => {
  const codecs: readonly Compressor[] = [await loadLz4(), gzip];
  for (const { message } of cases) {
    if (message === null) continue;
    const raw = expandHex(message);
    for (const codec of codecs) {
      const data = codec.compress(raw, 0, raw.length);
      const body = Buffer.concat([Buffer.from([codec.id, 0, 0, 0, 0]), data]);
      body.writeUInt32LE(raw.length, 1);
      assert.equal(decompressMessage(body, 0, body.length, codecs, 65_536), raw);
    }
  }
});

test.run();
