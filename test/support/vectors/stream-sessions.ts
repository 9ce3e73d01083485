/** Sessions of streams and credit, of drain, of the time ledger and of checksums. */
import { callAction, cancelFrame, failureFrame, methodFrame, requestFrame, responseFrame } from './call-sessions.js';
import { accepted, dialled, Session } from './session-builder.js';
import type { CallView, FrameView, HexView, SessionFile } from './view.js';

const needs = ['streams'];
const call = dialled(0);
const hello = '68656c6c6f';

const item = (body: HexView, of: CallView = call): FrameView => ({ type: 'ITEM', call: of, body });
const end = (of: CallView = call): FrameView => ({ type: 'END', call: of });
const credit = (bytes: number, of: CallView = call): FrameView => ({ type: 'CREDIT', call: of, bytes });

const serverStream = new Session('a server stream', { needs })
  .greet()
  .from('dialler', [methodFrame('count', 0, 'SERVER_STREAM'), requestFrame(call, '03')], {
    do: [callAction('a', 'count', '03')],
  })
  .from('acceptor', [item('00'), item('01'), item('02'), end()])
  .result('dialler', { call: 'a', items: ['00', '01', '02'] })
  .build();

/** 12 + 16,372 = 16,384: four of them are exactly the window. */
const quarter: HexView = [{ repeat: '61', times: 16_372 }];
const serverCredit = new Session('a server stream stops when its credit is used up, and goes on with CREDIT', {
  needs,
  tests: ['acceptor'],
  dialler: { limits: { streamWindowBytes: 65_536 } },
})
  .greet()
  .from('dialler', [methodFrame('pour', 0, 'SERVER_STREAM'), requestFrame(call, '05000000f43f0000')])
  .from('acceptor', [item(quarter), item(quarter), item(quarter), item(quarter)], {
    note: '4 x (12 + 16,372) = 65,536',
  })
  .from('dialler', [{ type: 'PING', opaque: '0000000000000001' }])
  .from('acceptor', [{ type: 'PONG', opaque: '0000000000000001' }], { note: 'no fifth item has come' })
  .from('dialler', [credit(16_384)])
  .from('acceptor', [item(quarter), end()])
  .build();

const clientStream = new Session('a client stream', { needs })
  .greet()
  .from(
    'dialler',
    [methodFrame('concat', 0, 'CLIENT_STREAM'), requestFrame(call, ''), item('6865'), item('6c6c'), item('6f'), end()],
    {
      do: [
        callAction('a', 'concat'),
        { send: 'a', item: '6865' },
        { send: 'a', item: '6c6c' },
        { send: 'a', item: '6f' },
        { end: 'a' },
      ],
    },
  )
  .from('acceptor', [responseFrame(call, hello)])
  .result('dialler', { call: 'a', response: hello })
  .build();

const duplex = new Session('a duplex stream; empty items are items', { needs })
  .greet()
  .from('dialler', [methodFrame('chat', 0, 'DUPLEX'), requestFrame(call, ''), item('01')], {
    do: [callAction('a', 'chat'), { send: 'a', item: '01' }],
  })
  .from('acceptor', [item('01')])
  .from('dialler', [item(''), end()], { do: [{ send: 'a', item: '' }, { end: 'a' }] })
  .from('acceptor', [item(''), end()])
  .result('dialler', { call: 'a', items: ['01', ''] })
  .build();

const failsInside = new Session('a stream fails: the items before it have arrived', { needs, tests: ['dialler'] })
  .greet()
  .from('dialler', [methodFrame('count', 0, 'SERVER_STREAM'), requestFrame(call, '03')], {
    do: [callAction('a', 'count', '03')],
  })
  .from('acceptor', [item('00'), failureFrame(call, 15, 'YES', 'lost')])
  .result('dialler', { call: 'a', items: ['00'], failure: { code: 'DATA_LOSS', started: 'YES' } })
  .build();

const cancelled = new Session('a stream is cancelled; its items that are on the way are dropped', {
  needs,
  tests: ['dialler'],
})
  .greet()
  .from('dialler', [methodFrame('count', 0, 'SERVER_STREAM'), requestFrame(call, 'ff')], {
    do: [callAction('a', 'count', 'ff')],
  })
  .from('acceptor', [item('00')])
  .from('dialler', [cancelFrame(call)], { do: [{ take: 'a', items: 1 }, { cancel: 'a' }] })
  .from('acceptor', [item('01'), item('02'), failureFrame(call, 1, 'YES', 'cancelled')])
  .result('dialler', { call: 'a', items: ['00'], failure: { code: 'CANCELLED', started: 'YES' } })
  .build();

const earlyAnswer = new Session('a client stream is refused early; what its caller had sent by then is dropped', {
  needs,
  tests: ['acceptor'],
  faults: ['B13'],
})
  .greet()
  .from('dialler', [methodFrame('nothing', 0, 'CLIENT_STREAM'), requestFrame(call, '')])
  .from('acceptor', [failureFrame(call, 12, 'NO', 'no such method', true)])
  .from(
    'dialler',
    [item('00'), item('01'), end(), methodFrame('echo', 1), requestFrame(dialled(0, 2), hello, { method: 1 })],
    {
      note: 'late frames of the call, then the next one',
    },
  )
  .from('acceptor', [responseFrame(dialled(0, 2), hello)])
  .build();

const itemAfterEnd = new Session("ITEM after the caller's END ends that call only", {
  needs,
  tests: ['acceptor'],
  faults: ['B13'],
})
  .greet()
  .from('dialler', [methodFrame('swallow', 0, 'CLIENT_STREAM'), requestFrame(call, ''), end(), item('00')])
  .from('acceptor', [failureFrame(call, 3, 'YES', 'ITEM after END')])
  .build();

const endInsideItem = new Session('END inside an item', { needs, tests: ['acceptor'] })
  .greet()
  .from('dialler', [
    methodFrame('swallow', 0, 'CLIENT_STREAM'),
    requestFrame(call, ''),
    { ...item('00'), flags: ['MORE'] },
    end(),
  ])
  .refusal('acceptor', 6, 'END inside an item')
  .build();

const bodyOnStream = new Session('a body on the REQUEST of a client stream', { needs, tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('swallow', 0, 'CLIENT_STREAM'), requestFrame(call, '00')])
  .from('acceptor', [failureFrame(call, 3, 'NO', 'the request of a client stream has no body')])
  .build();

// One frame, since a receiver may give back at any moment what its application has taken.
const beyondCredit = new Session('an item beyond the credit', {
  needs,
  tests: ['acceptor'],
  faults: ['B26'],
  acceptor: { limits: { streamWindowBytes: 65_536 } },
})
  .greet()
  .from('dialler', [
    methodFrame('swallow', 0, 'CLIENT_STREAM'),
    requestFrame(call, ''),
    item([{ repeat: '61', times: 65_536 }]),
  ])
  .refusal('acceptor', 8, 'the item costs 65,548, the credit left is 65,536')
  .build();

const silent = [methodFrame('silent', 0, 'SERVER_STREAM'), requestFrame(call, '')];
const creditZero = new Session('CREDIT of 0', { needs, tests: ['acceptor'], faults: ['B24'] })
  .greet()
  .from('dialler', [...silent, credit(0)])
  .from('acceptor', [failureFrame(call, 3, 'YES', 'CREDIT of 0')])
  .build();
const creditTooMuch = new Session('credit beyond 2^31 - 1', { needs, tests: ['acceptor'], faults: ['B24'] })
  .greet()
  .from('dialler', [...silent, credit(2_147_483_647)])
  .refusal('acceptor', 8, 'credit of more than 2^31 - 1')
  .build();
const creditFlood = new Session('11 CREDIT frames for no item', { needs, tests: ['acceptor'], faults: ['B25'] })
  .greet()
  .from('dialler', [...silent, ...Array.from({ length: 11 }, () => credit(1))])
  .refusal('acceptor', 9, 'too many CREDIT frames')
  .build();
const creditForUnary = new Session('CREDIT for a unary call', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(call, ''), credit(1)])
  .refusal('acceptor', 6, 'no stream')
  .build();

const drainRefuses = new Session('DRAIN crosses a call: it is refused, provably not started, and the connection ends', {
  needs: ['drain'],
  tests: ['acceptor'],
  faults: ['F15'],
})
  .greet()
  .from(
    'acceptor',
    [
      { type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } },
      { type: 'PING', opaque: '0000000000000001' },
    ],
    {
      do: [{ drain: { graceMs: 20_000 } }],
      note: 'PING is not required; an implementation that waits for no PONG closes after it has refused',
    },
  )
  .from('dialler', [methodFrame('echo', 0), requestFrame(call, hello), { type: 'PONG', opaque: '0000000000000001' }])
  .from('acceptor', [
    failureFrame(call, 14, 'NO', 'draining', true),
    { type: 'CLOSE', record: { code: 0, text: 'drained' } },
  ])
  .ends('acceptor')
  .build();

const drainFinishes = new Session('DRAIN lets a running call finish', { needs: ['drain'], tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('late', 0), requestFrame(call, hello)])
  .from(
    'acceptor',
    [
      { type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } },
      { type: 'PING', opaque: '0000000000000001' },
    ],
    {
      do: [{ drain: { graceMs: 20_000 } }],
    },
  )
  .from('dialler', [{ type: 'PONG', opaque: '0000000000000001' }])
  .from('acceptor', [responseFrame(call, hello), { type: 'CLOSE', record: { code: 0, text: 'drained' } }])
  .ends('acceptor')
  .build();

const drainCalls = new Session('who drains may still call, while calls of the other side run', {
  needs: ['drain', 'reverse'],
  tests: ['acceptor'],
})
  .greet()
  .from('dialler', [methodFrame('late', 0), requestFrame(call, hello)])
  .from(
    'acceptor',
    [
      { type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } },
      { type: 'PING', opaque: '0000000000000001' },
      methodFrame('echo', 0),
      requestFrame(accepted(0), hello),
    ],
    { do: [{ drain: { graceMs: 20_000 } }, callAction('a', 'echo', hello)] },
  )
  .from('dialler', [{ type: 'PONG', opaque: '0000000000000001' }, responseFrame(accepted(0), hello)])
  .result('acceptor', { call: 'a', response: hello })
  .from('acceptor', [responseFrame(call, hello), { type: 'CLOSE', record: { code: 0, text: 'drained' } }])
  .ends('acceptor')
  .build();

const drained = new Session('DRAIN is read: running calls are answered, no new ones are begun', {
  needs: ['drain'],
  tests: ['dialler'],
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(call, hello)], { do: [callAction('a', 'echo', hello)] })
  .from('acceptor', [{ type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } }, responseFrame(call, hello)])
  .result('dialler', { call: 'a', response: hello })
  .from('acceptor', [{ type: 'CLOSE', record: { code: 0, text: 'drained' } }])
  .ends('acceptor')
  .build();

const drainTwice = new Session('DRAIN twice', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [
    methodFrame('hang', 0),
    requestFrame(call, hello),
    { type: 'DRAIN', record: { text: '', graceMs: 0 } },
    { type: 'DRAIN', record: { text: '', graceMs: 0 } },
  ])
  .refusal('acceptor', 6, 'a second DRAIN')
  .build();

const ledger = new Session('the ledger is asked for', { needs: ['ledger'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(call, hello, { flags: ['LEDGER'] })], {
    do: [{ ...callAction('a', 'echo', hello), ledger: true }],
  })
  .from('acceptor', [
    { ...responseFrame(call, hello), flags: ['LEDGER'], ledger: { waiting: 5, handler: 12, encoding: 3 } },
  ])
  .result('dialler', { call: 'a', response: hello })
  .build();

const checked = (view: FrameView): FrameView => ({
  ...view,
  flags: [...(view.flags ?? []), 'CHECKSUM'],
  checksum: 'right',
});
const checksum = new Session('checksums on every frame once both sides have announced them', {
  needs: ['checksum'],
  tests: ['acceptor'],
  dialler: { capabilities: ['checksum'] },
  acceptor: { capabilities: ['checksum'] },
})
  .greet()
  .from('dialler', [checked(methodFrame('echo', 0)), checked(requestFrame(call, hello))])
  .from('acceptor', [checked(responseFrame(call, hello))])
  .build();

export const streamSessions: Readonly<Record<string, SessionFile>> = {
  'stream-server': serverStream,
  'stream-server-credit': serverCredit,
  'stream-client': clientStream,
  'stream-duplex': duplex,
  'stream-fails': failsInside,
  'stream-cancelled': cancelled,
  'stream-refused-early': earlyAnswer,
  'stream-item-after-end': itemAfterEnd,
  'stream-end-inside-item': endInsideItem,
  'stream-body-on-request': bodyOnStream,
  'stream-beyond-credit': beyondCredit,
  'credit-zero': creditZero,
  'credit-too-much': creditTooMuch,
  'credit-flood': creditFlood,
  'credit-for-unary': creditForUnary,
  'drain-refuses': drainRefuses,
  'drain-finishes': drainFinishes,
  'drain-calls': drainCalls,
  drained,
  'drain-twice': drainTwice,
  ledger,
  checksum,
};
