/** The options of both sides: what is refused when they are made, and by what name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelOptions, connect, defaultLimits, type Limits, Server } from '../../src/index.js';
import { openEnds, refusal } from '../support/rpc.js';

const sides: readonly (readonly [string, (options: ChannelOptions) => unknown])[] = [
  ['connect', (options) => connect('tcp://127.0.0.1:1', options)],
  ['Server', (options) => new Server({ limits: options.limits ?? {}, compression: options.compression ?? 'off' })],
];

for (const [side, make] of sides) {
  test(`${side} refuses a limit that does not exist, is not a number, or is below 0`, () => {
    assert.match(refusal(() => make({ limits: { frameBytes: 1 } as Partial<Limits> })).message, /no limit frameBytes/);
    assert.match(
      refusal(() => make({ limits: JSON.parse('{"__proto__": 5}') as Partial<Limits> })).message,
      /no limit __proto__/,
    );
    for (const name of Object.keys(defaultLimits)) {
      for (const value of [-1, Number.NaN, '5', null, 5n, {}]) {
        const { message } = refusal(() => make({ limits: { [name]: value } }));
        assert.match(message, name);
      }
    }
  });

  test(`${side} refuses announced limits outside of what the protocol allows, and says the range`, () => {
    for (const [name, wrong, range] of [
      ['frameBytesMax', [16_383, 16_777_217, 20_000.5, Number.POSITIVE_INFINITY], '16384 to 16777216'],
      ['messageBytesMax', [65_535, Number.POSITIVE_INFINITY], '65536 to 9007199254740991'],
      ['callsInFlightMax', [15, 65_537], '16 to 65536'],
      ['metadataBytesMax', [4_095, 2 ** 31], '4096 to 2147483647'],
      ['metadataEntriesMax', [15, 2 ** 31], '16 to 2147483647'],
      ['methodsMax', [63, 65_537], '64 to 65536'],
      ['streamWindowBytes', [65_535, 2 ** 31], '65536 to 2147483647'],
      ['pingIntervalMsMin', [2 ** 31], '0 to 2147483647'],
    ] as const) {
      for (const value of wrong) {
        const { message } = refusal(() => make({ limits: { [name]: value } }));
        assert.ok(message.includes(`${name} is ${value}`) && message.includes(range), message);
      }
    }
  });

  test(`${side} refuses bounds of the write queue that nobody could wait for, or in the wrong order`, () => {
    const { message } = refusal(() => make({ limits: { writeQueueBytesSoft: 65_535 } }));
    assert.match(message, /writeQueueBytesSoft is 65535, but must be at least 65536/);
    const order = refusal(() => make({ limits: { writeQueueBytesSoft: 200_000, writeQueueBytesHard: 199_999 } }));
    assert.match(order.message, /writeQueueBytesHard is 199999, but must be at least writeQueueBytesSoft, 200000/);
    make({ limits: { writeQueueBytesSoft: 65_536, writeQueueBytesHard: 65_536 } });
  });

  test(`${side} refuses a window that would grow to less than it is, or beyond what the protocol can say`, () => {
    const { message } = refusal(() => make({ limits: { streamWindowBytes: 300_000, streamWindowBytesMax: 299_999 } }));
    assert.match(message, /streamWindowBytesMax is 299999, but must be from streamWindowBytes, 300000, to 2147483647/);
    const large = refusal(() => make({ limits: { streamWindowBytesMax: 2 ** 31 } }));
    assert.match(large.message, /streamWindowBytesMax is 2147483648/);
    make({ limits: { streamWindowBytes: 65_536, streamWindowBytesMax: 65_536 } });
    // One that is set larger than the default growth stays as it is.
    make({ limits: { streamWindowBytes: 4 << 20 } });
  });

  test(`${side} takes undefined as the default, and the least and most that are allowed`, () => {
    const nothing = Object.fromEntries(Object.keys(defaultLimits).map((name) => [name, undefined]));
    make({ limits: nothing as Partial<Limits> });
    make({ limits: { frameBytesMax: 16_384, callsInFlightMax: 16, methodsMax: 64 } });
    make({ limits: { frameBytesMax: 16_777_216, callsInFlightMax: 65_536, methodsMax: 65_536 } });
  });

  test(`${side} refuses a compression that does not exist`, () => {
    const { message } = refusal(() => make({ compression: 'zip' as 'gzip' }));
    assert.match(message, /compression is "zip".*'lz4', 'gzip' or 'off'/);
  });
}

test('limits that were set hold on the connection and are announced to the peer', async () => {
  const ends = await openEnds({
    server: { limits: { callsInFlightMax: 21, frameBytesMax: 20_000, messageBytesMax: 70_000, methodsMax: 65 } },
  });
  await ends.channel.ready();
  const limits = ends.channel.peer?.limits;
  assert.is(limits?.callsInFlightMax, 21);
  assert.is(limits?.frameBytesMax, 20_000);
  assert.is(limits?.messageBytesMax, 70_000);
  assert.is(limits?.methodsMax, 65);
  assert.is(limits?.metadataEntriesMax, defaultLimits.metadataEntriesMax);
  // Frames of 20,000 bytes at most, or the server would close the connection.
  assert.is((await ends.notes.bytes(Buffer.alloc(70_000))).length, 70_000);
  assert.is((await ends.notes.bytes(Buffer.alloc(20_000))).length, 20_000);
  await ends.close();
});

test('the limits of a connection at their least still carry calls', async () => {
  const least: Partial<Limits> = {
    frameBytesMax: 16_384,
    messageBytesMax: 65_536,
    callsInFlightMax: 16,
    metadataBytesMax: 4_096,
    metadataEntriesMax: 16,
    methodsMax: 64,
    streamWindowBytes: 65_536,
    pingIntervalMsMin: 0,
  };
  const ends = await openEnds({ server: { limits: least }, channel: { limits: least } });
  const answers = await Promise.all(Array.from({ length: 500 }, (_, id) => ends.notes.echo({ id, text: 'x' })));
  assert.is(answers.length, 500);
  assert.is((await ends.notes.bytes(Buffer.alloc(65_536))).length, 65_536);
  await ends.close();
});

test.run();
