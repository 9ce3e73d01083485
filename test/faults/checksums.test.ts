/** Bytes that are damaged on the way, with checksums on: nothing of the frame is used, and only this connection ends. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, RpcError } from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import type { Transport } from '../../src/transport/transport.js';
import { openMemoryEnds } from '../rpc/memory-ends.js';
import { type Damage, DamagingTransport } from '../support/damaging-transport.js';

type Way = 'request' | 'answer';

interface Run {
  /** Bytes that came over the damaged way. */
  readonly receivedBytes: number;
  readonly handled: readonly string[];
  readonly answers: readonly string[];
  readonly errors: readonly unknown[];
}

const texts = ['one', 'two', 'a third text, which is somewhat longer than those before', 'four'];
/** These bytes complete a frame that claims to be longer than it is, so that it is checked. */
const PADDING = 'p'.repeat(6_000);
const all = [...texts, PADDING, 'the last'];

/** Calls one after another over a channel whose first connection is damaged in one direction. */
async function run(way: Way, damage: Damage | null, splitAt = 0): Promise<Run> {
  const handled: string[] = [];
  const answers: string[] = [];
  const errors: unknown[] = [];
  let damaged: DamagingTransport | null = null;
  const checksums: ChannelOptions = { checksums: true };
  const ends = openMemoryEnds({
    handlers: {
      echo: (note) => {
        handled.push(note.text);
        return note;
      },
    },
    server: { checksums: true },
    channel: checksums,
    dial: async (): Promise<Transport> => {
      const [dialing, accepting] = memoryPair(ends.clock);
      // Only the first connection: what comes after it is sound.
      const wrapped = new DamagingTransport(way === 'request' ? accepting : dialing, damaged ? null : damage, splitAt);
      damaged ??= wrapped;
      ends.server.accept(way === 'request' ? wrapped : accepting);
      return way === 'request' ? dialing : wrapped;
    },
  });
  // What is sent before the peer's HELLO was read has no checksum.
  const ready = ends.channel.ready();
  await ends.clock.advanceSettled(10);
  await ready;
  for (const [id, text] of all.entries()) {
    const call = ends.notes.echo({ id, text }, { deadlineMs: 1_000 }).then(
      (answer) => answers.push(answer.text),
      (error: unknown) => errors.push(error),
    );
    await ends.clock.advanceSettled(1_100);
    await call;
  }
  await ends.close();
  return { receivedBytes: (damaged as DamagingTransport | null)?.receivedBytes ?? 0, handled, answers, errors };
}

/** How many bytes come before the first call: preface and HELLO. */
async function greetingBytes(way: Way): Promise<number> {
  let seen: DamagingTransport | null = null;
  const ends = openMemoryEnds({
    server: { checksums: true },
    channel: { checksums: true },
    dial: async (): Promise<Transport> => {
      const [dialing, accepting] = memoryPair(ends.clock);
      const wrapped = new DamagingTransport(way === 'request' ? accepting : dialing, null);
      seen = wrapped;
      ends.server.accept(way === 'request' ? wrapped : accepting);
      return way === 'request' ? dialing : wrapped;
    },
  });
  void ends.channel.ready();
  await ends.clock.advanceSettled(10);
  const bytes = (seen as DamagingTransport | null)?.receivedBytes ?? 0;
  await ends.close();
  return bytes;
}

for (const way of ['request', 'answer'] as const) {
  test(`every byte on the ${way}'s way: a damaged frame is not handled, not answered, and not trusted`, async () => {
    const sound = await run(way, null);
    assert.equal(sound.answers, all);
    const from = await greetingBytes(way);
    let byChecksum = 0;
    let runs = 0;
    for (let at = from; at < sound.receivedBytes - PADDING.length - 60; at++) {
      const { handled, answers, errors } = await run(way, { at, bits: 0x11 });
      runs++;
      for (const text of [...handled, ...answers]) {
        assert.ok(all.includes(text), `byte ${at} gave ${JSON.stringify(text)}`);
      }
      for (const error of errors) {
        assert.instance(error, RpcError);
        const { code, started } = error as RpcError;
        if (code === 'UNAVAILABLE') assert.ok(started === 'maybe' || started === 'no', `byte ${at}: ${started}`);
      }
      if (errors.some((error) => /CHECKSUM/.test(String(error)))) byChecksum++;
      // Whatever happened, the channel has gone on over another connection.
      assert.is(answers.at(-1), all.at(-1), `byte ${at}: ${errors.map(String).join('; ')}`);
    }
    assert.ok(runs > 100 && byChecksum > 0.8 * runs, `${byChecksum} of ${runs} by their checksum`);
  });

  test(`every split point on the ${way}'s way means the same`, async () => {
    const from = await greetingBytes(way);
    const { receivedBytes } = await run(way, null);
    for (let at = from - 20; at < receivedBytes - PADDING.length - 60; at += 3) {
      const { answers, errors } = await run(way, null, at);
      assert.equal(answers, all, `split at ${at}`);
      assert.equal(errors, []);
    }
  });
}

test.run();
