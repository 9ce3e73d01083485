/** The bench of one call in flight: its judgment, and the echo that everything is compared with. */
import { createServer, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type RoundTripSample, type RoundTripSettings, reportRoundTrips } from '../../bench/commands/round-trip.js';
import { MESSAGE_BYTES, rawEcho } from '../../bench/contenders/raw-echo.js';
import { printed } from './printed.js';

const settings: RoundTripSettings = {
  contenders: ['raw-echo', 'engine'],
  rounds: 3,
  callsPerTurn: 10,
  judged: true,
  pinning: { cores: null, text: 'not pinned' },
};

/** Rounds on a machine that gets slower: only neighbours may be compared. */
function samplesWith(engine: readonly number[]): RoundTripSample[] {
  return engine.flatMap((ratio, round) => {
    const rawUs = 100 * (round + 1);
    const rest = { round, perSecond: 1, p99Us: 2 * rawUs, clientUs: 1, serverUs: 1 };
    return [
      { ...rest, contender: 'raw-echo' as const, p50Us: rawUs },
      { ...rest, contender: 'engine' as const, p50Us: rawUs * ratio },
    ];
  });
}

for (const [verdict, ratios, text] of [
  ['met', [1.05, 1.08, 1.5], '1.080'],
  ['MISSED', [1.05, 1.09, 1.5], '1.090'],
] as const) {
  test(`the target is judged by the median of the rounds' ratios: ${verdict}`, () => {
    const output = printed(() => {
      assert.is(reportRoundTrips(settings, { samples: samplesWith(ratios), problem: null }), 0);
    });
    assert.match(output, new RegExp(`^target ${verdict}: .*: ${text} `, 'm'));
  });
}

test('a wrong answer ends with exit code 1 and without figures', () => {
  const output = printed(() => {
    assert.is(reportRoundTrips(settings, { samples: samplesWith([1]), problem: 'engine: 1 answers were wrong' }), 1);
  });
  assert.is(output, 'FAILED: engine: 1 answers were wrong');
});

test('the raw echo waits for a whole answer, however it comes, and sees one that is wrong', async () => {
  let spoil = false;
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => {
      if (spoil) chunk[MESSAGE_BYTES - 1] ^= 1;
      socket.write(chunk.subarray(0, 7));
      setTimeout(() => socket.write(chunk.subarray(7)), 5);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  const call = await rawEcho.dial(port);
  const { make, isRight, looksRight } = rawEcho.workload;
  for (let calls = 0; calls < 3; calls++) assert.ok(isRight(await call(make(5)), 5));
  spoil = true;
  const spoilt = await call(make(5));
  assert.ok(looksRight(spoilt, 5));
  assert.not(isRight(spoilt, 5));
  for (const socket of sockets) socket.destroy();
  server.close();
});

test.run();
