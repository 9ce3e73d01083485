/** Sessions in which frames cross: late ones, faults behind DRAIN, credit that the tested side gives, faults inside an answer. */
import { callAction, cancelFrame, failureFrame, methodFrame, requestFrame, responseFrame } from './call-sessions.js';
import { dialled, Session } from './session-builder.js';
import type { FrameView, HexView, SessionFile } from './view.js';

const hello = '68656c6c6f';
const call = dialled(0);
const next = dialled(0, 2);
const toAcceptor = { tests: ['acceptor'] } as const;
const toDialler = { tests: ['dialler'] } as const;

const beginDrain: readonly FrameView[] = [
  { type: 'DRAIN', record: { text: 'restarting', graceMs: 20_000 } },
  { type: 'PING', opaque: '0000000000000001' },
];
const drainComesFirst = new Session('after DRAIN a call is refused for that reason, whatever else is wrong with it', {
  ...toAcceptor,
  needs: ['drain', 'streams'],
  acceptor: { limits: { callsInFlightMax: 16 } },
})
  .greet()
  .from('dialler', [
    methodFrame('hang', 0),
    methodFrame('echo', 1),
    methodFrame('nothing', 2),
    methodFrame('concat', 3, 'CLIENT_STREAM'),
    requestFrame(call, ''),
  ])
  .from('acceptor', beginDrain, { do: [{ drain: { graceMs: 20_000 } }] })
  .from('dialler', [
    requestFrame(dialled(1), hello, { method: 2 }),
    requestFrame(dialled(2), hello, { method: 1, flags: ['DEADLINE'], deadlineMs: 0 }),
    requestFrame(dialled(3), hello, { method: 3 }),
    requestFrame(dialled(16), hello, { method: 1 }),
  ])
  .bytes('dialler', '0d000000040001000404010009000000020661006200027800', 'metadata with a NUL in a key')
  .bytes('dialler', '02000000050001000408010000ff', 'a deadline of two bytes')
  .from(
    'acceptor',
    [1, 2, 3, 16, 4, 5].map((slot) => failureFrame(dialled(slot), 14, 'NO', 'draining', true)),
  )
  .build();

const lateCancel = new Session('CANCEL crosses the answer, and the slot is used again at once', toAcceptor)
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(call, hello)])
  .from('acceptor', [responseFrame(call, hello)])
  .from('dialler', [cancelFrame(call), requestFrame(next, hello)])
  .from('acceptor', [responseFrame(next, hello)])
  .build();

const credit = (bytes: number): FrameView => ({ type: 'CREDIT', call, bytes });
const counted: readonly FrameView[] = ['00', '01'].map((body) => ({ type: 'ITEM', call, body }));
const lateCredit = new Session('ten CREDIT frames cross the END of a stream', { ...toAcceptor, needs: ['streams'] })
  .greet()
  .from('dialler', [methodFrame('count', 0, 'SERVER_STREAM'), requestFrame(call, '02')])
  .from('acceptor', [...counted, { type: 'END', call }])
  .from('dialler', [
    ...Array.from({ length: 10 }, () => credit(13)),
    methodFrame('echo', 1),
    requestFrame(next, hello, { method: 1 }),
  ])
  .from('acceptor', [responseFrame(next, hello)])
  .build();

const lateRest = new Session('the rest of a refused request is dropped, and ends with its last frame', toAcceptor)
  .greet()
  .from('dialler', [methodFrame('nothing', 0), requestFrame(call, '6865', { flags: ['MORE'] })])
  .from('acceptor', [failureFrame(call, 12, 'NO', 'no such method', true)])
  .from('dialler', [
    requestFrame(call, '6c', { flags: ['MORE'] }),
    requestFrame(call, '6c6f'),
    methodFrame('echo', 1),
    requestFrame(next, hello, { method: 1 }),
  ])
  .from('acceptor', [responseFrame(next, hello)])
  .from('dialler', [requestFrame(call, '21')], { note: 'the message was complete' })
  .refusal('acceptor', 7, 'no frame of this call may come')
  .build();

const lateRestFlags = new Session('flags of a first frame on the rest of a refused request', toAcceptor)
  .greet()
  .from('dialler', [methodFrame('nothing', 0), requestFrame(call, '6865', { flags: ['MORE'] })])
  .from('acceptor', [failureFrame(call, 12, 'NO', 'no such method', true)])
  .from('dialler', [requestFrame(call, '6c6c6f', { flags: ['DEADLINE'], deadlineMs: 1000 })])
  .refusal('acceptor', 5, 'DEADLINE on a frame that continues a REQUEST')
  .build();

const creditForCancelled = new Session('CREDIT for a cancelled call that sends no items', {
  ...toDialler,
  faults: ['B24'],
})
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(call, '')], { do: [callAction('a', 'hang')] })
  .from('dialler', [cancelFrame(call)], { do: [{ cancel: 'a' }] })
  .result('dialler', { call: 'a', failure: { code: 'CANCELLED', started: 'MAYBE' } })
  .from('acceptor', [credit(1)])
  .refusal('dialler', 6, 'CREDIT for a call that sends no items')
  .build();

/** 12 + 16,372 = 16,384: four of them are exactly the window. */
const quarter: HexView = [{ repeat: '61', times: 16_372 }];
const items = (count: number): FrameView[] =>
  Array.from({ length: count }, () => ({ type: 'ITEM', call, body: quarter }));
const creditGiven = new Session('items that were taken give credit for as many again', {
  ...toDialler,
  needs: ['streams'],
  dialler: { limits: { streamWindowBytes: 65_536 } },
})
  .greet()
  .from('dialler', [methodFrame('pour', 0, 'SERVER_STREAM'), requestFrame(call, '08000000f43f0000')], {
    do: [callAction('a', 'pour', '08000000f43f0000')],
  })
  .from('acceptor', items(4), { note: 'the whole window' })
  .from('dialler', [], { do: [{ take: 'a', items: 4 }], note: 'how the credit is split is not said' })
  .from('acceptor', [...items(3), { type: 'END', call }], { note: 'at least three quarters of the window are back' })
  .result('dialler', { call: 'a', items: Array.from({ length: 7 }, () => quarter) })
  .build();

export const lateSessions: Readonly<Record<string, SessionFile>> = {
  'drain-comes-first': drainComesFirst,
  'late-cancel': lateCancel,
  'late-credit': lateCredit,
  'late-rest': lateRest,
  'late-rest-flags': lateRestFlags,
  'credit-for-cancelled': creditForCancelled,
  'stream-credit-given': creditGiven,
};
