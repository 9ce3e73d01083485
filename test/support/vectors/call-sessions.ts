/** Sessions of calls that go as they should: unary, oneway, large, failed, cancelled, with deadline and metadata, both ways. */
import { accepted, dialled, Session } from './session-builder.js';
import type { CallView, FrameView, MetadataEntryView, SessionFile } from './view.js';

export const methodFrame = (name: string, number: number, kind = 'UNARY'): FrameView => ({
  type: 'METHOD',
  method: number,
  record: { role: 'DECLARE', name: `test.Echo/${name}`, kind, request: null, response: null, errors: null },
});
export const requestFrame = (call: CallView, body: FrameView['body'], view: Partial<FrameView> = {}): FrameView => ({
  type: 'REQUEST',
  call,
  method: 0,
  ...view,
  ...(body === undefined ? {} : { body }),
});
export const responseFrame = (call: CallView, body: string): FrameView => ({ type: 'RESPONSE', call, body });
export const failureFrame = (
  call: CallView,
  code: number,
  started: string,
  text: string,
  elsewhere = false,
): FrameView => ({
  type: 'FAILURE',
  call,
  record: { code, started, text, retryAfterMs: null, elsewhere, detail: null },
});
export const cancelFrame = (call: CallView, code = 1): FrameView => ({
  type: 'CANCEL',
  call,
  record: { code, text: '' },
});

/** A call without a deadline; sessions with one say so. */
export const callAction = (call: string, method: string, request: FrameView['body'] = '') => ({
  call,
  method: `test.Echo/${method}`,
  request,
  deadlineMs: null,
});

const hello = '68656c6c6f';
const world = '776f726c64';

const unary = new Session('unary calls: one, then two at once, then a slot again')
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'echo', hello)] })
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .result('dialler', { call: 'a', response: hello })
  .from('dialler', [requestFrame(dialled(0, 2), hello), requestFrame(dialled(1), world)], {
    do: [callAction('b', 'echo', hello), callAction('c', 'echo', world)],
    note: 'METHOD is not repeated; slot 0 is free again and comes with its next generation',
  })
  .from('acceptor', [responseFrame(dialled(0, 2), hello), responseFrame(dialled(1), world)])
  .result('dialler', { call: 'b', response: hello })
  .result('dialler', { call: 'c', response: world })
  .closeOf('dialler')
  .build();

const answersCross = new Session('answers come in another order than the calls', { tests: ['dialler'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello), requestFrame(dialled(1), world)], {
    do: [callAction('a', 'echo', hello), callAction('b', 'echo', world)],
  })
  .from('acceptor', [responseFrame(dialled(1), world)])
  .result('dialler', { call: 'b', response: world })
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .result('dialler', { call: 'a', response: hello })
  .build();

const beforeHello = new Session("a call before the peer's HELLO", { faults: [] })
  .greetOf('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], {
    do: [callAction('a', 'echo', hello)],
    note: 'everything at once, under the least limits',
  })
  .greetOf('acceptor', [responseFrame(dialled(0), hello)])
  .result('dialler', { call: 'a', response: hello })
  .closeOf('dialler')
  .build();

const oneway = new Session('a oneway call is not answered, and its slot is free at once')
  .greet()
  .from('dialler', [methodFrame('note', 0, 'ONEWAY'), requestFrame(dialled(0), hello, { flags: ['ONEWAY'] })], {
    do: [callAction('a', 'note', hello)],
  })
  .handled('acceptor', 'test.Echo/note', hello)
  .from('dialler', [methodFrame('echo', 1), requestFrame(dialled(0, 2), world, { method: 1 })], {
    do: [callAction('b', 'echo', world)],
  })
  .from('acceptor', [responseFrame(dialled(0, 2), world)], { note: 'the first frame since HELLO' })
  .result('dialler', { call: 'b', response: world })
  .build();

const requestInFrames = new Session('a request in three frames, with another call between them', {
  tests: ['acceptor'],
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), '6865', { flags: ['MORE'] })])
  .from('dialler', [requestFrame(dialled(1), world)])
  .from('acceptor', [responseFrame(dialled(1), world)])
  .from('dialler', [requestFrame(dialled(0), '6c6c', { flags: ['MORE'] }), requestFrame(dialled(0), '6f')])
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .build();

const responseInFrames = new Session('a response in three frames, one of them empty, with another call between them', {
  tests: ['dialler'],
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello), requestFrame(dialled(1), world)], {
    do: [callAction('a', 'echo', hello), callAction('b', 'echo', world)],
  })
  .from('acceptor', [{ ...responseFrame(dialled(0), '6865'), flags: ['MORE'] }])
  .from('acceptor', [responseFrame(dialled(1), world)])
  .result('dialler', { call: 'b', response: world })
  .from('acceptor', [{ ...responseFrame(dialled(0), ''), flags: ['MORE'] }, responseFrame(dialled(0), '6c6c6f')])
  .result('dialler', { call: 'a', response: hello })
  .build();

const long = [{ repeat: '61', times: 100_000 }] as const;
const longResponse = new Session('a response longer than a frame; how it is cut is up to the callee')
  .greet()
  .from('dialler', [methodFrame('grow', 0), requestFrame(dialled(0), 'a0860100')], {
    do: [callAction('a', 'grow', 'a0860100')],
  })
  .from('acceptor', [
    { type: 'RESPONSE', call: dialled(0), flags: ['MORE'], body: [{ repeat: '61', times: 65_536 }] },
    { type: 'RESPONSE', call: dialled(0), body: [{ repeat: '61', times: 34_464 }] },
  ])
  .result('dialler', { call: 'a', response: long })
  .build();

const failure = new Session('a handler fails')
  .greet()
  .from('dialler', [methodFrame('fail', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'fail', hello)] })
  .from('acceptor', [failureFrame(dialled(0), 5, 'YES', 'hello')])
  .result('dialler', { call: 'a', failure: { code: 'NOT_FOUND', started: 'YES' } })
  .build();

const failureInside = new Session('a failure in the middle of a response: the part that came is dropped', {
  tests: ['dialler'],
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'echo', hello)] })
  .from('acceptor', [{ ...responseFrame(dialled(0), '6865'), flags: ['MORE'] }])
  .from('acceptor', [failureFrame(dialled(0), 13, 'YES', 'lost the rest')])
  .result('dialler', { call: 'a', failure: { code: 'INTERNAL', started: 'YES' } })
  .build();

const unknownMethod = new Session('a method that the callee does not have', { faults: ['B29'] })
  .greet()
  .from('dialler', [methodFrame('nothing', 0), requestFrame(dialled(0), hello)], {
    do: [callAction('a', 'nothing', hello)],
  })
  .from('acceptor', [failureFrame(dialled(0), 12, 'NO', 'no such method', true)])
  .result('dialler', { call: 'a', failure: { code: 'UNIMPLEMENTED', started: 'NO' } })
  .from('dialler', [methodFrame('echo', 1), requestFrame(dialled(0, 2), hello, { method: 1 })], {
    do: [callAction('b', 'echo', hello)],
  })
  .from('acceptor', [responseFrame(dialled(0, 2), hello)])
  .result('dialler', { call: 'b', response: hello })
  .build();

const otherKind = new Session('a method that has another kind at the callee', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('note', 0), requestFrame(dialled(0), hello)])
  .from('acceptor', [failureFrame(dialled(0), 9, 'NO', 'test.Echo/note is ONEWAY here')])
  .build();

const cancel = new Session('a running call is cancelled')
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'hang', hello)] })
  .from('dialler', [cancelFrame(dialled(0))], { do: [{ cancel: 'a' }] })
  .result('dialler', { call: 'a', failure: { code: 'CANCELLED', started: 'MAYBE' } })
  .from('acceptor', [failureFrame(dialled(0), 1, 'YES', 'cancelled')])
  .from('dialler', [methodFrame('echo', 1), requestFrame(dialled(0, 2), hello, { method: 1 })], {
    do: [callAction('b', 'echo', hello)],
    note: 'the terminal frame has made the slot free',
  })
  .from('acceptor', [responseFrame(dialled(0, 2), hello)])
  .result('dialler', { call: 'b', response: hello })
  .build();

const cancelHalfSent = new Session('a request that is half sent is cancelled', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [
    methodFrame('echo', 0),
    requestFrame(dialled(0), '6865', { flags: ['MORE'] }),
    cancelFrame(dialled(0)),
  ])
  .from('acceptor', [failureFrame(dialled(0), 1, 'NO', 'cancelled')])
  .from('dialler', [requestFrame(dialled(0, 2), hello)])
  .from('acceptor', [responseFrame(dialled(0, 2), hello)])
  .build();

const cancelCrossesAtCallee = new Session('CANCEL crosses the response: the callee drops it', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)])
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .from('dialler', [cancelFrame(dialled(0)), requestFrame(dialled(0, 2), world)], {
    note: 'CANCEL was written before RESPONSE was read',
  })
  .from('acceptor', [responseFrame(dialled(0, 2), world)], { note: 'nothing was answered to CANCEL' })
  .build();

const cancelCrossesAtCaller = new Session(
  'CANCEL crosses the response: the caller has given up, the response only frees the slot',
  { tests: ['dialler'] },
)
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'echo', hello)] })
  .from('dialler', [cancelFrame(dialled(0))], { do: [{ cancel: 'a' }] })
  .result('dialler', { call: 'a', failure: { code: 'CANCELLED', started: 'MAYBE' } })
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .from('dialler', [requestFrame(dialled(0, 2), world)], { do: [callAction('b', 'echo', world)] })
  .from('acceptor', [responseFrame(dialled(0, 2), world)])
  .result('dialler', { call: 'b', response: world })
  .build();

const deadline = new Session('a deadline travels as remaining milliseconds')
  .greet()
  .from(
    'dialler',
    [methodFrame('echo', 0), requestFrame(dialled(0), hello, { flags: ['DEADLINE'], deadlineMs: 30_000 })],
    {
      do: [{ ...callAction('a', 'echo', hello), deadlineMs: 30_000 }],
    },
  )
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .result('dialler', { call: 'a', response: hello })
  .build();

const deadlineExpired = new Session('a call that has expired on arrival starts no handler', { tests: ['acceptor'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello, { flags: ['DEADLINE'], deadlineMs: 0 })])
  .from('acceptor', [failureFrame(dialled(0), 4, 'NO', 'expired on arrival')])
  .build();

const deadlinePasses = new Session('the deadline passes while the handler runs: the callee ends the call by itself', {
  tests: ['acceptor'],
})
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(dialled(0), hello, { flags: ['DEADLINE'], deadlineMs: 20 })])
  .from('acceptor', [failureFrame(dialled(0), 4, 'YES', 'the deadline has passed')])
  .build();

const entries: readonly MetadataEntryView[] = [
  { key: 'trace', bytes: '00ff10' },
  { key: 'tenant', string: '北京' },
];
const metadata = new Session('metadata both ways')
  .greet()
  .from(
    'dialler',
    [methodFrame('echo', 0), requestFrame(dialled(0), hello, { flags: ['METADATA'], metadata: entries })],
    {
      do: [{ ...callAction('a', 'echo', hello), metadata: entries }],
    },
  )
  .from('acceptor', [{ ...responseFrame(dialled(0), hello), flags: ['METADATA'], metadata: entries }])
  .result('dialler', { call: 'a', response: hello, metadata: entries })
  .build();

const ping = new Session('PING is answered at once, in order, also while a call is running')
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'hang', hello)] })
  .build();
const pings: SessionFile = {
  ...ping,
  tests: ['acceptor'],
  steps: [
    ...ping.steps,
    ...new Session('')
      .from('dialler', [
        { type: 'PING', opaque: '0001020304050607' },
        { type: 'PING', opaque: 'ffffffffffffffff' },
      ])
      .from('acceptor', [
        { type: 'PONG', opaque: '0001020304050607' },
        { type: 'PONG', opaque: 'ffffffffffffffff' },
      ])
      .build().steps,
  ],
};

const bothWays = new Session('the acceptor calls the dialler; both use slot 0 without disturbing each other', {
  needs: ['reverse'],
})
  .greet()
  .from('acceptor', [methodFrame('echo', 0), requestFrame(accepted(0), world)], {
    do: [callAction('a', 'echo', world)],
  })
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], { do: [callAction('b', 'echo', hello)] })
  .build();
const reverse: SessionFile = {
  ...bothWays,
  tests: ['acceptor'],
  steps: [
    ...bothWays.steps.slice(0, 3),
    ...new Session('')
      .from('dialler', [responseFrame(accepted(0), world)])
      .result('acceptor', { call: 'a', response: world })
      .build().steps,
    ...bothWays.steps.slice(3),
    ...new Session('').from('acceptor', [responseFrame(dialled(0), hello)]).build().steps,
  ],
};

const optional = new Session('unknown optional frames are skipped', { faults: ['B10'], tests: ['acceptor'] })
  .greet()
  .bytes('dialler', '03000000000000008f000000abcdef', 'a frame of type 143')
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)])
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .build();

const halfClose = new Session('the dialler ends its direction: its calls are still answered', {
  faults: ['F7'],
  tests: ['acceptor'],
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)])
  .ends('dialler')
  .from('acceptor', [
    responseFrame(dialled(0), hello),
    { type: 'CLOSE', record: { code: 0, text: 'the peer has ended' } },
  ])
  .ends('acceptor')
  .build();

export const callSessions: Readonly<Record<string, SessionFile>> = {
  'unary-calls': unary,
  'answers-cross': answersCross,
  'call-before-hello': beforeHello,
  oneway,
  'request-in-frames': requestInFrames,
  'response-in-frames': responseInFrames,
  'long-response': longResponse,
  failure,
  'failure-inside-response': failureInside,
  'unknown-method': unknownMethod,
  'method-of-another-kind': otherKind,
  cancel,
  'cancel-half-sent': cancelHalfSent,
  'cancel-crosses-at-callee': cancelCrossesAtCallee,
  'cancel-crosses-at-caller': cancelCrossesAtCaller,
  deadline,
  'deadline-expired': deadlineExpired,
  'deadline-passes': deadlinePasses,
  metadata,
  ping: pings,
  'both-ways': reverse,
  'optional-frames': optional,
  'half-close': halfClose,
};
