/** Methods without Avro. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcError, raw } from '../../src/index.js';

test('raw bytes are copied in and out, whatever kind of Uint8Array they are', () => {
  const into = Buffer.alloc(8, 0xff);
  assert.is(raw.encode(new Uint8Array([1, 2, 3]), into, 2), 5);
  assert.is(raw.encode(Buffer.from([4]), into, 5), 6);
  assert.equal(into, Buffer.from([0xff, 0xff, 1, 2, 3, 4, 0xff, 0xff]));
  const out = raw.decode(into, 2, 6);
  assert.instance(out, Buffer);
  into.fill(0);
  assert.equal(out, Buffer.from([1, 2, 3, 4]));
  assert.is(raw.decode(into, 3, 3).length, 0);
});

test('raw bytes that do not fit say how many are missing and write nothing', () => {
  const into = Buffer.alloc(4);
  assert.is(raw.encode(new Uint8Array(4).fill(1), into, 0), 4);
  into.fill(0);
  assert.is(raw.encode(new Uint8Array(4).fill(1), into, 1), -1);
  assert.is(raw.encode(new Uint8Array(10).fill(1), into, 4), -10);
  assert.equal(into, Buffer.alloc(4));
});

test('a raw message is bytes and nothing else', () => {
  for (const wrong of ['text', null, undefined, [1], new ArrayBuffer(1), new Uint16Array(1)]) {
    try {
      raw.encode(wrong as never, Buffer.alloc(8), 0);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, RpcError);
      assert.is((error as RpcError).code, 'INVALID_ARGUMENT');
    }
  }
});

test('raw bytes fit raw bytes, and no schema', () => {
  assert.is(raw.fingerprint, null);
  assert.is(raw.resolveWriter('').codec, raw);
  assert.is(raw.gradeReader('').grade, 'identical');
  for (const resolution of [raw.resolveWriter('"bytes"'), raw.gradeReader('"bytes"')]) {
    assert.is(resolution.grade, 'breaking');
    assert.match(resolution.reason, 'raw bytes');
  }
});

test.run();
