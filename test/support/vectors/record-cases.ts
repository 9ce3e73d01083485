/** Cases of the frames that carry a record: HELLO, METHOD, SCHEMA, FAILURE, CANCEL, DRAIN, CLOSE. */
import { avroString, recordBytes, varint } from './bytes.js';
import { bad, connectionError, first, good, hexOf, lenient, raw } from './case-builders.js';
import type { FrameFile, RecordView } from './view.js';

const badRecord = connectionError('BAD_RECORD');
const frameSize = connectionError('FRAME_SIZE');
const flagsError = connectionError('FLAGS');
const protocolError = connectionError('PROTOCOL');

export const instance = '000102030405060708090a0b0c0d0e0f';
export const defaultHelloLimits = {
  frameBytesMax: 65_536,
  messageBytesMax: 4_194_304,
  callsInFlightMax: 1_000,
  metadataBytesMax: 16_384,
  metadataEntriesMax: 100,
  methodsMax: 1_024,
  streamWindowBytes: 262_144,
  pingIntervalMsMin: 5_000,
};
const leastLimits = {
  frameBytesMax: 16_384,
  messageBytesMax: 65_536,
  callsInFlightMax: 16,
  metadataBytesMax: 4_096,
  metadataEntriesMax: 16,
  methodsMax: 64,
  streamWindowBytes: 65_536,
  pingIntervalMsMin: 0,
};
const mostLimits = {
  frameBytesMax: 16_777_216,
  messageBytesMax: Number.MAX_SAFE_INTEGER,
  callsInFlightMax: 65_536,
  metadataBytesMax: 2_147_483_647,
  metadataEntriesMax: 2_147_483_647,
  methodsMax: 65_536,
  streamWindowBytes: 2_147_483_647,
  pingIntervalMsMin: 2_147_483_647,
};

export const plainHello = {
  versionMin: 1,
  versionMax: 1,
  capabilities: [],
  limits: defaultHelloLimits,
  compression: [],
  auth: null,
  software: 'vectors/1',
  instance,
  extensions: {},
};

const helloHex = (changes: RecordView = {}): string =>
  recordBytes('HELLO', { ...plainHello, ...changes }).toString('hex');
const helloFrame = (changes: RecordView = {}) => ({ type: 'HELLO', record: { ...plainHello, ...changes } });
const helloRaw = (payload: string): string => raw({ type: 1, payload });
const withLimit = (name: string, value: number): string =>
  helloRaw(helloHex({ limits: { ...defaultHelloLimits, [name]: value } }));
const names = (count: number, bytes = 1): string[] => Array.from({ length: count }, () => 'n'.repeat(bytes));

/** The plain HELLO in pieces: versions, capabilities, limits, compression, auth, software, instance, extensions. */
function helloPieces(replace: Readonly<Record<number, string>>): string {
  const limits = Object.values(defaultHelloLimits)
    .map((value) => varint(value).toString('hex'))
    .join('');
  const pieces = ['0202', '00', limits, '00', '00', avroString('vectors/1').toString('hex'), instance, '00'];
  return helloRaw(pieces.map((piece, index) => replace[index] ?? piece).join(''));
}

const belowLeast = Object.entries(leastLimits)
  .filter(([name]) => name !== 'pingIntervalMsMin')
  .map(([name, least]) => bad(`${name} one below its least value`, withLimit(name, least - 1), badRecord));
const aboveMost = ['frameBytesMax', 'callsInFlightMax', 'methodsMax'].map((name) =>
  bad(
    `${name} one above its most`,
    withLimit(name, ((mostLimits as Record<string, number>)[name] as number) + 1),
    badRecord,
  ),
);

export const hello: FrameFile = {
  frame: 'HELLO',
  cases: [
    good('the reference defaults', [helloFrame()]),
    good('everything set', [
      helloFrame({
        capabilities: ['checksum', 'com.example.unknown'],
        compression: ['lz4', 'gzip', 'unknown'],
        auth: { scheme: 'bearer', credentials: '746f6b656e' },
        software: 'Trunkline 电话 1.0',
        extensions: { 'com.example.zone': '65752d31' },
      }),
    ]),
    good('a later version that also speaks version 1', [
      helloFrame({ versionMax: 7, capabilities: ['later'], extensions: { later: '00ff' } }),
    ]),
    good('a later version only; the record is the same, 4.3 refuses it', [
      helloFrame({ versionMin: 2, versionMax: 3 }),
    ]),
    good('the least of every limit', [helloFrame({ limits: leastLimits })]),
    good('the most of every limit', [helloFrame({ limits: mostLimits })]),
    good('64 capabilities with names of 64 bytes', [helloFrame({ capabilities: names(64, 64) })]),
    good('extension keys that mean something to a language are plain data', [
      helloFrame({ extensions: { constructor: '01', toString: '' } }),
    ]),
    lenient('capabilities as a block with its size', helloPieces({ 1: '0310' + '06616263' + '06646566' + '00' }), [
      helloFrame({ capabilities: ['abc', 'def'] }),
    ]),
    lenient('capabilities in two blocks', helloPieces({ 1: '02' + '06616263' + '02' + '06646566' + '00' }), [
      helloFrame({ capabilities: ['abc', 'def'] }),
    ]),
    lenient('versions as padded varints', helloPieces({ 0: '8200' + '8280808000' }), [helloFrame()]),
    bad('no payload', raw({ type: 1 }), frameSize, { faults: ['B5'] }),
    bad('16,385 bytes, refused at the header', raw({ type: 1, length: 16_385 }), frameSize),
    bad('a flag', raw({ type: 1, flags: 0x01, payload: helloHex() }), flagsError),
    bad(
      'the flag CHECKSUM, which no HELLO may have',
      raw({ type: 1, flags: 0x40, payload: `00000000${helloHex()}` }),
      flagsError,
    ),
    bad('a call number', raw({ type: 1, call: 0x1_0000, payload: helloHex() }), protocolError),
    bad('a method number', raw({ type: 1, method: 1, payload: helloHex() }), protocolError),
    bad('one byte too many', helloRaw(`${helloHex()}00`), badRecord),
    bad('one byte too few', helloRaw(helloHex().slice(0, -2)), badRecord),
    bad('versionMin 0', helloRaw(helloHex({ versionMin: 0 })), badRecord),
    bad('versionMin above versionMax', helloRaw(helloHex({ versionMin: 3, versionMax: 2 })), badRecord),
    bad('a version of 33 bits', helloPieces({ 0: '02' + '8280808010' }), badRecord),
    bad('a varint of 6 bytes for an int', helloPieces({ 0: '02' + '828080808000' }), badRecord),
    ...belowLeast,
    ...aboveMost,
    bad('pingIntervalMsMin negative', withLimit('pingIntervalMsMin', -1), badRecord),
    bad(
      'messageBytesMax of 2^53',
      helloPieces({
        2: Object.entries(defaultHelloLimits)
          .map(([name, value]) => varint(name === 'messageBytesMax' ? 2n ** 53n : value).toString('hex'))
          .join(''),
      }),
      badRecord,
    ),
    bad('an empty capability', helloRaw(helloHex({ capabilities: [''] })), badRecord),
    bad('a capability of 65 bytes', helloRaw(helloHex({ capabilities: names(1, 65) })), badRecord),
    bad('65 capabilities', helloRaw(helloHex({ capabilities: names(65) })), badRecord),
    bad('65 compression codecs', helloRaw(helloHex({ compression: names(65) })), badRecord),
    bad('a count of 2^40 capabilities', helloPieces({ 1: varint(2n ** 40n).toString('hex') }), badRecord),
    bad('a block whose size is one too small', helloPieces({ 1: '030e' + '06616263' + '06646566' + '00' }), badRecord),
    bad('a block whose size is beyond the payload', helloPieces({ 1: '0180800806616263' + '00' }), badRecord),
    bad('a block with a negative size', helloPieces({ 1: '0101' + '06616263' + '00' }), badRecord),
    bad('a string with a negative length', helloPieces({ 5: '01' }), badRecord),
    bad('a string longer than the payload', helloPieces({ 5: '80808008' }), badRecord),
    bad('software that is not UTF-8', helloPieces({ 5: '04c328' }), badRecord),
    bad('auth with a union index of 2', helloPieces({ 4: '04' }), badRecord),
    bad('auth with an empty scheme', helloRaw(helloHex({ auth: { scheme: '', credentials: '' } })), badRecord),
    bad('an extension key twice', helloPieces({ 7: '04' + '026100' + '026100' + '00' }), badRecord),
    bad('a varint of 11 bytes for a long', helloPieces({ 1: '8080808080808080808000' }), badRecord),
    bad('a long of 65 bits', helloPieces({ 1: '80808080808080808002' }), badRecord),
  ],
};

const fingerprint = (byte: string): string => byte.repeat(32);
const declare = (changes: RecordView = {}): RecordView => ({
  role: 'DECLARE',
  name: 'test.Echo/echo',
  kind: 'UNARY',
  request: null,
  response: null,
  errors: null,
  ...changes,
});
const methodHex = (changes: RecordView = {}): string => recordBytes('METHOD', declare(changes)).toString('hex');
const methodRaw = (payload: string): string => raw({ type: 2, payload });

export const method: FrameFile = {
  frame: 'METHOD',
  cases: [
    good('DECLARE of a method of raw bytes', [{ type: 'METHOD', method: 0, record: declare() }]),
    good('DECLARE with all fingerprints and the highest number', [
      {
        type: 'METHOD',
        method: 65_535,
        record: declare({
          name: 'demo.Cities/within',
          kind: 'SERVER_STREAM',
          request: fingerprint('a1'),
          response: fingerprint('b2'),
          errors: fingerprint('c3'),
        }),
      },
    ]),
    good('ANSWER', [
      {
        type: 'METHOD',
        method: 3,
        record: declare({ role: 'ANSWER', request: fingerprint('00'), response: fingerprint('ff') }),
      },
    ]),
    good(
      'every kind',
      ['UNARY', 'SERVER_STREAM', 'CLIENT_STREAM', 'DUPLEX', 'ONEWAY', 'BLOB'].map((kind, number) => ({
        type: 'METHOD',
        method: number,
        record: declare({ kind }),
      })),
    ),
    good(
      'an empty name: its calls fail, the frame does not',
      [{ type: 'METHOD', method: 0, record: declare({ name: '' }) }],
      {
        faults: ['B29'],
      },
    ),
    good('a name of 300 bytes: likewise', [{ type: 'METHOD', method: 0, record: declare({ name: 'x'.repeat(300) }) }], {
      faults: ['B29'],
    }),
    bad('no payload', raw({ type: 2 }), frameSize, { faults: ['B5'] }),
    bad('a flag', raw({ type: 2, flags: 0x01, payload: methodHex() }), flagsError),
    bad('a call number', raw({ type: 2, call: 0x1_0000, payload: methodHex() }), protocolError),
    bad('role 2', methodRaw(`04${methodHex().slice(2)}`), badRecord),
    bad('role -1', methodRaw(`01${methodHex().slice(2)}`), badRecord),
    bad('kind 6', methodRaw(methodHex().replace(/00000000$/, '0c000000')), badRecord),
    bad('a name that is not UTF-8', methodRaw('0004' + 'c328' + '00000000'), badRecord),
    bad('a name longer than the payload', methodRaw('0080808008'), badRecord),
    bad('a fingerprint of 31 bytes', methodRaw(`${methodHex().slice(0, -2)}02${'ee'.repeat(31)}`), badRecord),
    bad('a union index of 2', methodRaw(`${methodHex().slice(0, -2)}04`), badRecord),
    bad('one byte too many', methodRaw(`${methodHex()}00`), badRecord),
  ],
};

const someFingerprint = 'd1e0be5c45ba09bdf14a4d0e2a7d1b6e54b18c7b9f4f1c65a3dba0f84d7a7b10';
const schemaRecord = (schema: string | null): RecordView => ({ fingerprint: someFingerprint, schema });
const schemaHex = (schema: string | null): string => recordBytes('SCHEMA', schemaRecord(schema)).toString('hex');
const longSchema = schemaHex('{"name":"City","type":"record","fields":[{"name":"id","type":"long"}]}');

export const schema: FrameFile = {
  frame: 'SCHEMA',
  cases: [
    good('an ask', [{ type: 'SCHEMA', record: schemaRecord(null) }]),
    good('a schema', [{ type: 'SCHEMA', record: schemaRecord('"long"') }]),
    good('not known', [{ type: 'SCHEMA', record: schemaRecord('') }]),
    good('a schema in three frames', [
      { type: 'SCHEMA', flags: ['MORE'], body: longSchema.slice(0, 50) },
      { type: 'SCHEMA', flags: ['MORE'], body: longSchema.slice(50, 150) },
      { type: 'SCHEMA', body: longSchema.slice(150) },
    ]),
    bad('no payload', raw({ type: 3 }), frameSize, { faults: ['B5'] }),
    bad('a flag other than MORE', raw({ type: 3, flags: 0x02, payload: schemaHex(null) }), flagsError),
    bad('a method number', raw({ type: 3, method: 1, payload: schemaHex(null) }), protocolError),
    bad('a call number', raw({ type: 3, call: 0x1_0000, payload: schemaHex(null) }), protocolError),
    bad('a fingerprint of 31 bytes', raw({ type: 3, payload: 'ee'.repeat(31) }), badRecord),
    bad('a union index of 2', raw({ type: 3, payload: `${'ee'.repeat(32)}04` }), badRecord),
    bad('a text that is not UTF-8', raw({ type: 3, payload: `${'ee'.repeat(32)}0204c328` }), badRecord),
    bad('a text with a negative length', raw({ type: 3, payload: `${'ee'.repeat(32)}0201` }), badRecord),
    bad('one byte too many', raw({ type: 3, payload: `${schemaHex(null)}00` }), badRecord),
  ],
};

const failureRecord = (changes: RecordView = {}): RecordView => ({
  code: 5,
  started: 'YES',
  text: 'no such city',
  retryAfterMs: null,
  elsewhere: false,
  detail: null,
  ...changes,
});
const failureFrame = (changes: RecordView = {}) => ({ type: 'FAILURE', call: first, record: failureRecord(changes) });
const failureHex = (changes: RecordView = {}): string => recordBytes('FAILURE', failureRecord(changes)).toString('hex');
const failureRaw = (payload: string): string => raw({ type: 8, call: 0x1_0000, payload });

export const failure: FrameFile = {
  frame: 'FAILURE',
  cases: [
    good('an application failure', [failureFrame()]),
    good('refused, to be tried elsewhere or later', [
      failureFrame({ code: 14, started: 'NO', text: 'draining', retryAfterMs: 250, elsewhere: true }),
    ]),
    good('a declared error', [failureFrame({ code: 2, started: 'MAYBE', text: '', detail: '0206616263' })]),
    good('an empty detail is not no detail', [failureFrame({ detail: '' })]),
    good('a code that nobody assigned', [failureFrame({ code: 9_999 })]),
    good('with ledger and metadata', [
      {
        ...failureFrame(),
        flags: ['METADATA', 'LEDGER'],
        ledger: { waiting: 12, handler: 345, encoding: 4_294_967_295 },
        metadata: [{ key: 'trace', bytes: '00ff' }],
      },
    ]),
    bad('no payload', raw({ type: 8, call: 0x1_0000 }), frameSize, { faults: ['B5'] }),
    bad('the flag MORE', raw({ type: 8, call: 0x1_0000, flags: 0x01, payload: failureHex() }), flagsError),
    bad('no call number', raw({ type: 8, payload: failureHex() }), protocolError),
    bad('a method number', raw({ type: 8, call: 0x1_0000, method: 1, payload: failureHex() }), protocolError),
    bad('code 0', failureRaw(failureHex({ code: 0 })), badRecord),
    bad('code -1', failureRaw(failureHex({ code: -1 })), badRecord),
    bad('started 3', failureRaw('0a06' + '00' + '00' + '00' + '00'), badRecord),
    bad('retryAfterMs -1', failureRaw(failureHex({ retryAfterMs: -1 })), badRecord),
    bad('a boolean of 2', failureRaw('0a04' + '00' + '00' + '02' + '00'), badRecord),
    bad('a text that is not UTF-8', failureRaw('0a04' + '02ff' + '00' + '00' + '00'), badRecord),
    bad('detail longer than the payload', failureRaw('0a04' + '00' + '00' + '00' + '0280808008'), badRecord),
    bad('one byte too many', failureRaw(`${failureHex()}00`), badRecord),
    bad('one byte too few', failureRaw(failureHex().slice(0, -2)), badRecord),
  ],
};

const cancelFrame = (code: number, text: string) => ({ type: 'CANCEL', call: first, record: { code, text } });
const callRaw = (type: number, payload: string): string => raw({ type, call: 0x1_0000, payload });

export const cancel: FrameFile = {
  frame: 'CANCEL',
  cases: [
    good('cancelled', [cancelFrame(1, 'the user left')]),
    good('the deadline has passed', [cancelFrame(4, '')]),
    bad('no payload', raw({ type: 9, call: 0x1_0000 }), frameSize, { faults: ['B5'] }),
    bad('a flag', raw({ type: 9, call: 0x1_0000, flags: 0x04, payload: '0200' }), flagsError),
    bad('no call number', raw({ type: 9, payload: '0200' }), protocolError),
    bad('another code', callRaw(9, '0400'), badRecord),
    bad('one byte too many', callRaw(9, '020000'), badRecord),
    bad('no text', callRaw(9, '02'), badRecord),
  ],
};

export const drain: FrameFile = {
  frame: 'DRAIN',
  cases: [
    good('with the default grace', [{ type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } }]),
    good('without any grace', [{ type: 'DRAIN', record: { text: '', graceMs: 0 } }]),
    bad('no payload', raw({ type: 13 }), frameSize, { faults: ['B5'] }),
    bad('a flag', raw({ type: 13, flags: 0x20, payload: '0000' }), flagsError),
    bad('a call number', raw({ type: 13, call: 0x1_0000, payload: '0000' }), protocolError),
    bad('graceMs -1', raw({ type: 13, payload: '0001' }), badRecord),
    bad('one byte too many', raw({ type: 13, payload: '000000' }), badRecord),
  ],
};

export const close: FrameFile = {
  frame: 'CLOSE',
  cases: [
    good('an orderly end', [{ type: 'CLOSE', record: { code: 0, text: '' } }]),
    good('an error', [{ type: 'CLOSE', record: { code: 7, text: 'no call 0x00010007' } }]),
    good('a code that nobody assigned', [{ type: 'CLOSE', record: { code: 1_000, text: 'from a later version' } }]),
    bad('no payload', raw({ type: 14 }), frameSize, { faults: ['B5'] }),
    bad('a flag', raw({ type: 14, flags: 0x01, payload: '0000' }), flagsError),
    bad('a method number', raw({ type: 14, method: 1, payload: '0000' }), protocolError),
    bad('code -1', raw({ type: 14, payload: '0100' }), badRecord),
    bad('one byte too many', raw({ type: 14, payload: '000000' }), badRecord),
  ],
};

/** The dialler's or acceptor's first frame in sessions and preface cases. */
export const helloHexFrame = hexOf(helloFrame());
