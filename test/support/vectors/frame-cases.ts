/** Cases of the header, the preface and checksums, and of the small frames without a record: CREDIT, PING, PONG. */
import { frameBytes, PREFACE_HEX } from './bytes.js';
import { bad, connectionError, first, good, hexOf, lenient, raw } from './case-builders.js';
import { request, response } from './message-cases.js';
import { helloHexFrame, plainHello } from './record-cases.js';
import type { FrameCase, FrameFile, FrameView } from './view.js';

const frameSize = connectionError('FRAME_SIZE');
const frameType = connectionError('FRAME_TYPE');
const flagsError = connectionError('FLAGS');
const protocolError = connectionError('PROTOCOL');
const flood = connectionError('FLOOD');
const truncated = connectionError('TRUNCATED');
const badPreface = connectionError('BAD_PREFACE');

const CALL = 0x1_0000;
const ping: FrameView = { type: 'PING', opaque: '0001020304050607' };
const pingHex = hexOf(ping);
const hello: FrameView = { type: 'HELLO', record: plainHello };
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const optionalFrame = raw({ type: 128, payload: 'abcdef' });

export const header: FrameFile = {
  frame: 'header',
  cases: [
    good('frames of several types one behind the other', [
      ping,
      { type: 'REQUEST', call: first, method: 1, body: '616263' },
      { type: 'RESPONSE', call: first, body: '' },
      { type: 'CLOSE', record: { code: 0, text: '' } },
    ]),
    good(
      'a payload of exactly frameBytesMax',
      [{ type: 'ITEM', call: first, body: [{ repeat: '5a', times: 16_384 }] }],
      {
        receiver: { limits: { frameBytesMax: 16_384 } },
      },
    ),
    bad('a length of frameBytesMax + 1', raw({ type: 4, call: CALL, length: 65_537 }), frameSize, { faults: ['B6'] }),
    bad('a length of 2^31', raw({ type: 4, call: CALL, length: 2 ** 31 }), frameSize, { faults: ['B7'] }),
    bad('a length of 2^32 - 1', raw({ type: 4, call: CALL, length: 2 ** 32 - 1 }), frameSize, { faults: ['B7'] }),
    bad('a length of frameBytesMax + 1 on an optional frame', raw({ type: 200, length: 65_537 }), frameSize),
    bad('type 0', raw({ type: 0 }), frameType, { faults: ['B10'] }),
    bad('type 15', raw({ type: 15 }), frameType, { faults: ['B10'] }),
    bad('type 127 behind a good frame', pingHex + raw({ type: 127 }), frameType, { faults: ['B10'], frames: [ping] }),
    lenient('unknown optional frames are skipped', optionalFrame + pingHex + raw({ type: 255 }), [ping], {
      faults: ['B10'],
    }),
    lenient(
      'an unknown optional frame is skipped whatever its flags, call and method',
      raw({ type: 130, flags: 0xff, call: 0xffff_ffff, method: 0xffff, payload: '00' }) + pingHex,
      [ping],
    ),
    lenient('64 unknown optional frames in a row', [{ repeat: optionalFrame, times: 64 }, pingHex], [ping]),
    bad('65 unknown optional frames in a row', [{ repeat: optionalFrame, times: 65 }, pingHex], flood),
    bad('the reserved flag', raw({ type: 4, call: CALL, flags: 0x80 }), flagsError, { faults: ['B11'] }),
    bad(
      'CHECKSUM that was not agreed',
      raw({ type: 11, flags: 0x40, payload: '000000000001020304050607' }),
      flagsError,
      {
        faults: ['B11'],
      },
    ),
    bad('a header that the end of the stream cuts', pingHex.slice(0, 14), truncated, {
      faults: ['B9'],
      receiver: { ends: true },
    }),
    bad('a payload that the end of the stream cuts', pingHex + pingHex.slice(0, -2), truncated, {
      faults: ['B9'],
      receiver: { ends: true },
      frames: [ping],
    }),
    good('the stream ends between two frames', [ping], { receiver: { ends: true } }),
  ],
};

const beforePreface = { receiver: { preface: true } } as const;
const notThePreface = (description: string, wire: string): FrameCase =>
  bad(description, wire, badPreface, { faults: ['B1'], ...beforePreface });

export const preface: FrameFile = {
  frame: 'preface',
  cases: [
    {
      description: 'the preface and HELLO',
      receiver: { preface: true },
      wire: PREFACE_HEX + helloHexFrame,
      frames: [hello],
      error: null,
    },
    notThePreface('HTTP/1.1', ascii('GET / HTTP/1.1\r\nHost: example\r\n\r\n')),
    notThePreface('HTTP/2', ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
    notThePreface('a TLS ClientHello', '16030100c8010000c40303'),
    notThePreface('the high bit is lost', '0d544b4c0d0a1a0a'),
    notThePreface('CR LF became LF', '8d544b4c0a1a0a'),
    notThePreface('LF became CR LF', '8d544b4c0d0d0a1a0d0a'),
    notThePreface('the end-of-file byte is lost', '8d544b4c0d0a0a'),
    notThePreface('zeros', '0000000000000000'),
    notThePreface('a frame without the preface', helloHexFrame),
    notThePreface('the last byte is wrong', '8d544b4c0d0a1a0b'),
    bad('half the preface and the end', PREFACE_HEX.slice(0, 8), truncated, {
      faults: ['B9'],
      receiver: { preface: true, ends: true },
    }),
    bad('the preface twice', PREFACE_HEX + PREFACE_HEX + helloHexFrame, frameSize, {
      faults: ['B4'],
      ...beforePreface,
    }),
    bad('the preface again behind HELLO', PREFACE_HEX + helloHexFrame + PREFACE_HEX + helloHexFrame, frameSize, {
      faults: ['B4'],
      ...beforePreface,
      frames: [hello],
    }),
  ],
};

export const credits: FrameFile = {
  frame: 'CREDIT',
  cases: [
    good('one byte', [{ type: 'CREDIT', call: first, bytes: 1 }]),
    good('2^31 - 1', [{ type: 'CREDIT', call: first, bytes: 2_147_483_647 }]),
    good('0, which the call pays for', [{ type: 'CREDIT', call: first, bytes: 0 }]),
    bad('no payload', raw({ type: 10, call: CALL }), frameSize, { faults: ['B5'] }),
    bad('3 bytes', raw({ type: 10, call: CALL, payload: '010000' }), frameSize),
    bad('5 bytes', raw({ type: 10, call: CALL, payload: '0100000000' }), frameSize),
    bad('no call number', raw({ type: 10, payload: '01000000' }), protocolError),
    bad('a flag', raw({ type: 10, call: CALL, flags: 0x01, payload: '01000000' }), flagsError, { faults: ['B11'] }),
  ],
};

function liveness(type: 'PING' | 'PONG', number: number): FrameFile {
  return {
    frame: type,
    cases: [
      good('8 bytes', [{ type, opaque: 'ffeeddccbbaa9988' }]),
      bad('no payload', raw({ type: number }), frameSize, { faults: ['B5'] }),
      bad('7 bytes', raw({ type: number, payload: '00'.repeat(7) }), frameSize),
      bad('9 bytes', raw({ type: number, payload: '00'.repeat(9) }), frameSize),
      bad('a call number', raw({ type: number, call: CALL, payload: '00'.repeat(8) }), protocolError),
      bad('a method number', raw({ type: number, method: 1, payload: '00'.repeat(8) }), protocolError),
      bad('a flag', raw({ type: number, flags: 0x02, payload: '00'.repeat(8) }), flagsError, { faults: ['B11'] }),
    ],
  };
}
export const pings = liveness('PING', 11);
export const pongs = liveness('PONG', 12);

const agreed = { receiver: { checksum: true } } as const;
const checked = (view: FrameView): FrameView => ({
  ...view,
  flags: [...(view.flags ?? []), 'CHECKSUM'],
  checksum: 'right',
});
const wrongBy = (view: FrameView, at: number): string => {
  const bytes = frameBytes(checked(view));
  bytes[at] = (bytes[at] as number) ^ 0x01;
  return bytes.toString('hex');
};

export const checksums: FrameFile = {
  frame: 'checksum',
  needs: ['checksum'],
  cases: [
    good(
      'every frame type but HELLO',
      [
        {
          type: 'METHOD',
          method: 7,
          record: { role: 'DECLARE', name: 'a/b', kind: 'UNARY', request: null, response: null, errors: null },
        },
        { type: 'SCHEMA', record: { fingerprint: '5a'.repeat(32), schema: null } },
        request({ method: 7, body: '616263' }),
        response({ body: '' }),
        { type: 'ITEM', call: first, body: '01' },
        { type: 'END', call: first },
        {
          type: 'FAILURE',
          call: first,
          record: { code: 13, started: 'YES', text: '', retryAfterMs: null, elsewhere: false, detail: null },
        },
        { type: 'CANCEL', call: first, record: { code: 1, text: '' } },
        { type: 'CREDIT', call: first, bytes: 4_096 },
        ping,
        { type: 'PONG', opaque: '0001020304050607' },
        { type: 'DRAIN', record: { text: '', graceMs: 0 } },
        { type: 'CLOSE', record: { code: 0, text: '' } },
      ].map((view) => checked(view)),
      agreed,
    ),
    good(
      'in front of every part of the prefix, and on the second frame',
      [
        checked(
          request({
            flags: ['MORE', 'METADATA', 'DEADLINE'],
            deadlineMs: 5,
            metadata: [{ key: 'a', string: 'b' }],
            body: '61',
          }),
        ),
        checked(request({ body: '62' })),
      ],
      agreed,
    ),
    good('agreed, but not used by this frame', [ping], agreed),
    bad('a bit of the payload is wrong', wrongBy(request({ body: '616263' }), 18), connectionError('CHECKSUM'), agreed),
    bad(
      'a bit of the call number is wrong',
      wrongBy(request({ body: '616263' }), 4),
      connectionError('CHECKSUM'),
      agreed,
    ),
    bad(
      'a bit of the checksum is wrong',
      wrongBy(request({ body: '616263' }), 12),
      connectionError('CHECKSUM'),
      agreed,
    ),
    bad('a payload too short for it', raw({ type: 4, call: CALL, flags: 0x40, payload: '000000' }), frameSize, agreed),
    bad('PING without room for it', raw({ type: 11, flags: 0x40, payload: '0001020304050607' }), frameSize, agreed),
  ],
};
