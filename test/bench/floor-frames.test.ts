/** The floor program must be right before it can be a measure: frames survive any cut, and leave in the order of their writing. */
import type { Socket } from 'node:net';
import avsc from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Canonical, canonicalRecord, canonicalSchema } from '../../bench/canonical.js';
import { FrameReader } from '../../bench/floor/frame-reader.js';
import { FrameWriter } from '../../bench/floor/frame-writer.js';

const type = avsc.Type.forSchema(canonicalSchema as unknown as avsc.Schema);

/** A socket that keeps what is written; `takes`: the kernel takes it at once, so that the writer may use the bytes again. */
class Written {
  readonly chunks: Buffer[] = [];
  writableLength = 0;

  constructor(private readonly takes: boolean) {}

  write(chunk: Buffer): boolean {
    this.chunks.push(this.takes ? Buffer.from(chunk) : chunk);
    if (!this.takes) this.writableLength += chunk.length;
    return this.takes;
  }
}

async function writeFrames(count: number, takes = true): Promise<Buffer[]> {
  const written = new Written(takes);
  const writer = new FrameWriter(written as unknown as Socket, type);
  for (let id = 0; id < count; id++) writer.write(4, id, canonicalRecord(id));
  await Promise.resolve();
  return written.chunks;
}

function readFrames(chunks: readonly Buffer[]): Canonical[] {
  const found: Canonical[] = [];
  const reader = new FrameReader(type, (call, message) => {
    const record = message as Canonical;
    assert.is(record.id, call);
    found.push({ ...record });
  });
  for (const chunk of chunks) reader.read(chunk);
  return found;
}

test('frames are read back from every cut', async () => {
  const bytes = Buffer.concat(await writeFrames(3));
  const expected = [0, 1, 2].map(canonicalRecord);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.equal(readFrames([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`);
  }
  assert.equal(readFrames(Array.from(bytes, (byte) => Buffer.of(byte))), expected, 'byte by byte');
});

test('many slabs of frames arrive whole and in order, also when the kernel takes nothing at once', async () => {
  for (const takes of [true, false]) {
    const chunks = await writeFrames(5000, takes);
    assert.ok(chunks.length > 1);
    assert.equal(
      readFrames(chunks).map(({ id }) => id),
      Array.from({ length: 5000 }, (_, id) => id),
    );
  }
});

test('the first batch of a tick leaves early, the later ones in larger pieces', async () => {
  const sizes = (await writeFrames(2000)).map(({ length }) => length);
  assert.ok((sizes[0] as number) >= 1024 && (sizes[0] as number) < 1200, `the first has ${sizes[0]} bytes`);
  assert.ok(Math.max(...sizes) >= 8192 && Math.max(...sizes) < 8400, `the largest has ${Math.max(...sizes)} bytes`);
});

test.run();
