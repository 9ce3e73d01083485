/** Cases of the frames that carry messages, of what stands in front of one, and of END: REQUEST, metadata, RESPONSE, ITEM, END. */
import { metadataBytes, u32, varint } from './bytes.js';
import { bad, callError, connectionError, first, good, lenient, raw } from './case-builders.js';
import type { FrameFile, FrameView, MetadataEntryView } from './view.js';

const protocolError = connectionError('PROTOCOL');
const flagsError = connectionError('FLAGS');
const invalid = callError('INVALID_ARGUMENT');
const exhausted = callError('RESOURCE_EXHAUSTED');

const CALL = 0x1_0000;

export const request = (view: Partial<FrameView> = {}): FrameView => ({
  type: 'REQUEST',
  call: first,
  method: 0,
  ...view,
});
const requestRaw = (flags: number, payload: string): string => raw({ type: 4, call: CALL, flags, payload });

export const requests: FrameFile = {
  frame: 'REQUEST',
  cases: [
    good('an empty message', [request({ body: '' })]),
    good('a message', [request({ method: 513, body: '68656c6c6f' })]),
    good('opened by the acceptor, highest generation and slot', [
      request({ call: { opener: 'acceptor', generation: 32_767, slot: 65_535 }, body: '00' }),
    ]),
    good('a deadline', [request({ flags: ['DEADLINE'], deadlineMs: 30_000, body: '61' })]),
    good('a deadline of 0: expired', [request({ flags: ['DEADLINE'], deadlineMs: 0, body: '61' })]),
    good(
      'a deadline of 2^31, which is read as 2^31 - 1',
      [request({ flags: ['DEADLINE'], deadlineMs: 2 ** 31, body: '' })],
      {
        faults: ['B30'],
      },
    ),
    good('a deadline of 2^32 - 1', [request({ flags: ['DEADLINE'], deadlineMs: 2 ** 32 - 1, body: '' })], {
      faults: ['B30'],
    }),
    good('oneway', [request({ flags: ['ONEWAY'], body: '61' })]),
    good('asks for the ledger; nothing of it stands in the payload', [request({ flags: ['LEDGER'], body: '61' })]),
    good('metadata', [request({ flags: ['METADATA'], metadata: [{ key: 'trace', string: 'abc' }], body: '61' })]),
    good('every part of the prefix, and in two frames', [
      request({
        flags: ['MORE', 'METADATA', 'DEADLINE', 'LEDGER'],
        method: 2,
        deadlineMs: 1_500,
        metadata: [
          { key: 'trace', bytes: 'deadbeef' },
          { key: 'tenant', string: '北京' },
        ],
        body: '6162',
      }),
      request({ method: 2, body: '6364' }),
    ]),
    good('three frames, another call between them, one of them empty', [
      request({ flags: ['MORE'], body: '61' }),
      request({ call: { opener: 'dialler', generation: 1, slot: 1 }, body: 'ff' }),
      request({ flags: ['MORE'], body: '' }),
      request({ body: '62' }),
    ]),
    good('compressed', [request({ flags: ['COMPRESSED'], body: '0105000000506162636465' })]),
    bad('no call number', raw({ type: 4, payload: '61' }), protocolError),
    bad('a deadline of 3 bytes', requestRaw(0x08, '010203'), invalid),
    bad('metadata without its size', requestRaw(0x04, '0100'), invalid),
    bad('metadata longer than the frame', requestRaw(0x04, `05000000${'00'.repeat(4)}`), invalid),
  ],
};

const metadataFrame = (metadata: readonly MetadataEntryView[]): FrameView =>
  request({ flags: ['METADATA'], metadata, body: '7a' });
/** A REQUEST with these bytes as metadata. */
const metadataRaw = (map: string): string => requestRaw(0x04, `${u32(map.length / 2).toString('hex')}${map}7a`);
const entries = (count: number, value = ''): MetadataEntryView[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, string: value }));
const b27 = { faults: ['B27'] } as const;
const b28 = { faults: ['B28'] } as const;

export const metadata: FrameFile = {
  frame: 'metadata',
  cases: [
    good('texts and bytes', [
      metadataFrame([
        { key: 'a', string: '' },
        { key: 'b', bytes: '' },
        { key: 'c', string: 'NUL \0 in a value is fine' },
        { key: 'd', bytes: '00ff' },
      ]),
    ]),
    good(
      'keys that mean something to a language',
      [
        metadataFrame([
          { key: '__proto__', string: 'x' },
          { key: 'constructor', string: 'y' },
          { key: 'hasOwnProperty', bytes: '01' },
        ]),
      ],
      b28,
    ),
    good('a key of 255 bytes, keys that are not ASCII', [
      metadataFrame([
        { key: 'k'.repeat(255), string: '1' },
        { key: 'ключ', string: '2' },
        { key: '🔑', string: '3' },
      ]),
    ]),
    good('100 entries', [metadataFrame(entries(100))]),
    good('an empty map', [metadataFrame([])]),
    lenient('a block with its size', metadataRaw('010a' + '0261000278' + '00'), [
      metadataFrame([{ key: 'a', string: 'x' }]),
    ]),
    bad('101 entries', metadataRaw(metadataBytes(entries(101)).toString('hex')), exhausted, b27),
    bad('1,000 keys', metadataRaw(metadataBytes(entries(1_000)).toString('hex')), exhausted, b27),
    bad(
      'more bytes than metadataBytesMax',
      metadataRaw(metadataBytes([{ key: 'a', bytes: '00'.repeat(16_384) }]).toString('hex')),
      exhausted,
      b27,
    ),
    bad('size 0', requestRaw(0x04, '000000007a'), invalid),
    bad('one byte too many', metadataRaw('0000'), invalid),
    bad('one byte too few', metadataRaw('020261000278'), invalid),
    bad('a key that is not UTF-8', metadataRaw('0204c328000278' + '00'), invalid, b28),
    bad('a value that is not UTF-8', metadataRaw('0202610004c328' + '00'), invalid, b28),
    bad('a surrogate in UTF-8', metadataRaw('0202610006eda080' + '00'), invalid, b28),
    bad('NUL in a key', metadataRaw('0206610062000278' + '00'), invalid, b28),
    bad('an empty key', metadataRaw('0200000278' + '00'), invalid),
    bad(
      'a key of 256 bytes',
      metadataRaw(metadataBytes([{ key: 'k'.repeat(256), string: '' }]).toString('hex')),
      invalid,
    ),
    bad('a key twice', metadataRaw('0402610002780261000279' + '00'), invalid),
    bad('a count of 2^40', metadataRaw(`${varint(2n ** 40n).toString('hex')}0261000278`), invalid),
    bad('a block whose size is one too large', metadataRaw('010c0261000278' + '00'), invalid),
    bad('a block with a negative size', metadataRaw('01010261000278' + '00'), invalid),
    bad('a union index of 2', metadataRaw('02026104027800'), invalid),
    bad('a union index of -1', metadataRaw('02026101027800'), invalid),
    bad('a value with a negative length', metadataRaw('020261000100'), invalid),
  ],
};

export const response = (view: Partial<FrameView> = {}): FrameView => ({ type: 'RESPONSE', call: first, ...view });
const ledger = { waiting: 0, handler: 1_000, encoding: 4_294_967_295 };

export const responses: FrameFile = {
  frame: 'RESPONSE',
  cases: [
    good('an empty message', [response({ body: '' })]),
    good('a message', [response({ body: '68656c6c6f' })]),
    good('metadata', [response({ flags: ['METADATA'], metadata: [{ key: 'cost', string: '3' }], body: '61' })]),
    good('the ledger', [response({ flags: ['LEDGER'], ledger, body: '61' })]),
    good('ledger and metadata, and in two frames', [
      response({ flags: ['MORE', 'METADATA', 'LEDGER'], ledger, metadata: [{ key: 'a', bytes: '01' }], body: '61' }),
      response({ body: '62' }),
    ]),
    good('compressed', [response({ flags: ['COMPRESSED'], body: '0105000000506162636465' })]),
    bad('no call number', raw({ type: 5 }), protocolError),
    bad('a method number', raw({ type: 5, call: CALL, method: 1 }), protocolError),
    bad('the flag DEADLINE', raw({ type: 5, call: CALL, flags: 0x08, payload: '00000000' }), flagsError, {
      faults: ['B11'],
    }),
    bad('the flag ONEWAY', raw({ type: 5, call: CALL, flags: 0x10 }), flagsError, { faults: ['B11'] }),
  ],
};

export const items: FrameFile = {
  frame: 'ITEM',
  cases: [
    good('an empty item', [{ type: 'ITEM', call: first, body: '' }]),
    good('items of two calls', [
      { type: 'ITEM', call: first, body: '01' },
      { type: 'ITEM', call: { opener: 'acceptor', generation: 1, slot: 0 }, body: '02' },
    ]),
    good('an item in two frames, compressed', [
      { type: 'ITEM', call: first, flags: ['MORE', 'COMPRESSED'], body: '010500' },
      { type: 'ITEM', call: first, body: '0000506162636465' },
    ]),
    bad('no call number', raw({ type: 6 }), protocolError),
    bad('a method number', raw({ type: 6, call: CALL, method: 1 }), protocolError),
    bad('the flag METADATA', raw({ type: 6, call: CALL, flags: 0x04, payload: '0100000000' }), flagsError, {
      faults: ['B11'],
    }),
    bad('the flag LEDGER', raw({ type: 6, call: CALL, flags: 0x20 }), flagsError, { faults: ['B11'] }),
  ],
};

export const ends: FrameFile = {
  frame: 'END',
  cases: [
    good('nothing with it', [{ type: 'END', call: first }]),
    good('metadata and ledger', [
      { type: 'END', call: first, flags: ['METADATA', 'LEDGER'], ledger, metadata: [{ key: 'rows', string: '12' }] },
    ]),
    bad('no call number', raw({ type: 7 }), protocolError),
    bad('a method number', raw({ type: 7, call: CALL, method: 1 }), protocolError),
    bad('the flag MORE', raw({ type: 7, call: CALL, flags: 0x01 }), flagsError, { faults: ['B11'] }),
    bad('the flag DEADLINE', raw({ type: 7, call: CALL, flags: 0x08, payload: '00000000' }), flagsError, {
      faults: ['B11'],
    }),
  ],
};
