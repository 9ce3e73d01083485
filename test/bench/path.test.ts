/** The steps of a call in a CPU profile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CpuProfile, sharesOf, stepOf } from '../../bench/path/steps.js';

const file = (path: string): string => `file:///somewhere/.build/${path}`;

test('a function counts to the step that its file or name says', () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    ['(idle)', '', null],
    ['(program)', '', 'outside of JavaScript'],
    ['(garbage collector)', '', 'collection of garbage'],
    ['writeBuffer', '', 'socket written'],
    ['writeOrBuffer', 'node:internal/streams/writable', 'socket written'],
    ['onStreamRead', 'node:internal/stream_base_commons', 'socket read'],
    ['processTicksAndRejections', 'node:internal/process/task_queues', 'tick, promises'],
    ['writeCanonical', '', 'message encoded'],
    ['readShortAscii', '', 'message decoded'],
    ['putString', file('src/avro/encoding/write-tap.js'), 'message encoded'],
    ['readLong', file('src/avro/encoding/byte-tap.js'), 'message decoded'],
    ['decode', file('src/avro/codec/codec.js'), 'message decoded'],
    ['call', file('src/connection/caller/caller.js'), 'stub, channel, slot, promise'],
    ['onResponse', file('src/connection/caller/caller.js'), 'answer settled'],
    ['onRequest', file('src/connection/callee/callee.js'), 'handler called'],
    ['writeHeader', file('src/wire/encoder.js'), 'frame out'],
    ['next', file('src/wire/decoder.js'), 'frame in'],
    ['caller', file('bench/load.js'), 'application'],
    ['somebody', file('elsewhere.js'), 'other'],
  ];
  for (const [functionName, url, step] of cases) assert.is(stepOf({ functionName, url }), step, functionName);
});

test('shares are of the busy time at the end of the profile', () => {
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: { functionName: '(idle)', url: '' } },
      { id: 2, callFrame: { functionName: 'writeBuffer', url: '' } },
      { id: 3, callFrame: { functionName: 'readCanonical', url: '' } },
    ],
    startTime: 1_000_000,
    endTime: 4_000_000,
    // The first second is the warm-up.
    samples: [3, 1, 2, 3, 3],
    timeDeltas: [900_000, 1_100_000, 250_000, 250_000, 500_000],
  };
  const shares = sharesOf(profile, 2);
  assert.equal(Object.fromEntries(shares), {
    'message decoded': 0.75,
    'socket written': 0.25,
  });
});

test.run();
