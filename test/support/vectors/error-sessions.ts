/** Sessions that end in a connection error, and next to each what is just still tolerated. */
import { frameBytes, PREFACE_HEX } from './bytes.js';
import { callAction, cancelFrame, methodFrame, requestFrame, responseFrame } from './call-sessions.js';
import { accepted, dialled, helloOf, Session } from './session-builder.js';
import type { FrameView, SessionFile } from './view.js';

const hello = '68656c6c6f';
const toAcceptor = { tests: ['acceptor'] } as const;
const toDialler = { tests: ['dialler'] } as const;

const PROTOCOL = 6;
const CALL_NUMBER = 7;
const FLOOD = 9;

/** The dialler sends these frames after METHOD of echo; the acceptor refuses the connection. */
function refusedFrames(
  description: string,
  frames: readonly FrameView[],
  code: number,
  text: string,
  faults: readonly string[] = [],
): SessionFile {
  return new Session(description, { ...toAcceptor, ...(faults.length === 0 ? {} : { faults }) })
    .greet()
    .from('dialler', [methodFrame('echo', 0), ...frames])
    .refusal('acceptor', code, text)
    .build();
}

/** The dialler has called; the acceptor answers wrongly, and the dialler refuses the connection. */
function refusedAnswer(
  description: string,
  frames: readonly FrameView[],
  code: number,
  text: string,
  faults: readonly string[],
): SessionFile {
  return new Session(description, { ...toDialler, faults })
    .greet()
    .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], {
      do: [callAction('a', 'echo', hello)],
    })
    .from('acceptor', frames)
    .refusal('dialler', code, text)
    .build();
}

const http = new Session('HTTP comes to the port', { ...toAcceptor, faults: ['B1'] })
  .greetOf('acceptor')
  .bytes('dialler', Buffer.from('GET / HTTP/1.1\r\n').toString('hex'), 'no preface')
  .refusal('acceptor', 1, 'the peer speaks HTTP')
  .build();

const version = new Session('no common version', { ...toAcceptor, faults: ['B3'] })
  .greetOf('acceptor')
  .from('dialler', [{ type: 'HELLO', record: { ...helloOf('dialler').record, versionMin: 2, versionMax: 3 } }], {
    preface: true,
  })
  .refusal('acceptor', 2, 'version 1 is spoken here')
  .build();

const laterVersion = new Session('a later version that also speaks this one', toAcceptor)
  .greetOf('acceptor')
  .from(
    'dialler',
    [
      {
        type: 'HELLO',
        record: { ...helloOf('dialler').record, versionMax: 9, capabilities: ['later'], extensions: { later: '01' } },
      },
      methodFrame('echo', 0),
      requestFrame(dialled(0), hello),
    ],
    { preface: true },
  )
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .build();

const noHello = new Session('a frame in front of HELLO', toAcceptor)
  .greetOf('acceptor')
  .from('dialler', [methodFrame('echo', 0)], { preface: true })
  .refusal('acceptor', PROTOCOL, 'METHOD came before HELLO')
  .build();

const twoHellos = new Session('HELLO twice', toAcceptor)
  .greet()
  .from('dialler', [helloOf('dialler')])
  .refusal('acceptor', PROTOCOL, 'a second HELLO')
  .build();

const twoPrefaces = new Session('preface and HELLO twice', { ...toAcceptor, faults: ['B4'] })
  .greet()
  .bytes(
    'dialler',
    PREFACE_HEX + frameBytes(helloOf('dialler')).toString('hex'),
    'read as a header: a frame of 1,280,005,261 bytes',
  )
  .refusal('acceptor', 3, 'a frame of 1,280,005,261 bytes')
  .build();

const truncated = new Session('the stream ends inside a frame', { ...toAcceptor, faults: ['B9'] })
  .greet()
  .bytes('dialler', '0500000000000100', 'most of a header')
  .ends('dialler')
  .refusal('acceptor', 15, 'the stream ended inside a frame')
  .build();

const undeclared = new Session('a method number that was not declared', toAcceptor)
  .greet()
  .from('dialler', [requestFrame(dialled(0), hello)])
  .refusal('acceptor', PROTOCOL, 'method 0 was not declared')
  .build();

const methodTwice = refusedFrames(
  'a method number declared twice',
  [methodFrame('fail', 0)],
  PROTOCOL,
  'method 0 was declared twice',
);
const tooManyMethods = new Session('a method number beyond methodsMax', {
  ...toAcceptor,
  acceptor: { limits: { methodsMax: 64 } },
})
  .greet()
  .from('dialler', [methodFrame('echo', 64)])
  .refusal('acceptor', PROTOCOL, 'method 64, but methodsMax is 64')
  .build();
const answerUnasked = refusedFrames(
  'METHOD ANSWER for a number that was not declared',
  [
    {
      type: 'METHOD',
      method: 5,
      record: { role: 'ANSWER', name: 'test.Echo/echo', kind: 'UNARY', request: null, response: null, errors: null },
    },
  ],
  PROTOCOL,
  'ANSWER for method 5',
);
const schemaUnasked = refusedFrames(
  'a schema that nobody asked for',
  [{ type: 'SCHEMA', record: { fingerprint: 'ee'.repeat(32), schema: '"long"' } }],
  PROTOCOL,
  'a schema that was not asked for',
);
const pongUnasked = refusedFrames(
  'PONG without PING',
  [{ type: 'PONG', opaque: '0000000000000000' }],
  PROTOCOL,
  'PONG without PING',
);

const duplicate = new Session('a second REQUEST for a live call', { ...toAcceptor, faults: ['B14'] })
  .greet()
  .from('dialler', [methodFrame('hang', 0), requestFrame(dialled(0), hello), requestFrame(dialled(0), hello)])
  .refusal('acceptor', CALL_NUMBER, 'the call is live')
  .build();
const b15 = ['B15'];
const ownNumber = refusedFrames(
  "a REQUEST with the acceptor's opener bit",
  [requestFrame(accepted(0), hello)],
  CALL_NUMBER,
  'wrong opener',
  b15,
);
const skips = refusedFrames(
  'a slot begins with generation 2',
  [requestFrame(dialled(0, 2), hello)],
  CALL_NUMBER,
  'generation 1 comes first',
  b15,
);
const zeroGeneration = refusedFrames(
  'generation 0',
  [requestFrame(dialled(7, 0), hello)],
  CALL_NUMBER,
  'generation 0 does not occur',
  b15,
);
const generationAgain = new Session('a generation again', { ...toAcceptor, faults: b15 })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)])
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .from('dialler', [requestFrame(dialled(0), hello)])
  .refusal('acceptor', CALL_NUMBER, 'generation 2 comes next')
  .build();
const cancelNothing = refusedFrames(
  'CANCEL for a call that never was',
  [cancelFrame(dialled(3))],
  CALL_NUMBER,
  'no such call',
);
const itemNothing = refusedFrames(
  'ITEM for a call that never was',
  [{ type: 'ITEM', call: dialled(3), body: '00' }],
  CALL_NUMBER,
  'no such call',
  ['B12'],
);
const responseFromCaller = refusedFrames(
  'RESPONSE from the side that would be the caller',
  [responseFrame(dialled(0), hello)],
  CALL_NUMBER,
  'wrong opener',
);

const itemOnUnary = new Session('ITEM for a live unary call', toAcceptor)
  .greet()
  .from('dialler', [
    methodFrame('hang', 0),
    requestFrame(dialled(0), hello),
    { type: 'ITEM', call: dialled(0), body: '00' },
  ])
  .refusal('acceptor', PROTOCOL, 'no stream')
  .build();

const otherMethod = refusedFrames(
  'a frame that continues a request names another method',
  [requestFrame(dialled(0), '68', { flags: ['MORE'] }), requestFrame(dialled(0), '65', { method: 1 })],
  PROTOCOL,
  'method 1 continues method 0',
);
const flagsInside = refusedFrames(
  'a frame that continues a request has flags of its own',
  [
    requestFrame(dialled(0), '68', { flags: ['MORE'] }),
    requestFrame(dialled(0), '0500000065', { flags: ['DEADLINE'] }),
  ],
  5,
  'DEADLINE belongs to the first frame',
);
const emptyFrames = refusedFrames(
  '11 empty frames with MORE in a row',
  Array.from({ length: 11 }, () => requestFrame(dialled(0), '', { flags: ['MORE'] })),
  FLOOD,
  'more than 10 empty frames',
  ['B23'],
);
const emptyFramesTolerated = new Session('10 empty frames with MORE in a row', toAcceptor)
  .greet()
  .from('dialler', [
    methodFrame('echo', 0),
    ...Array.from({ length: 10 }, () => requestFrame(dialled(0), '', { flags: ['MORE'] })),
    requestFrame(dialled(0), hello),
  ])
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .build();
const pingFlood = new Session('6 PING frames at once', { ...toAcceptor, faults: ['B21'] })
  .greet()
  .from(
    'dialler',
    Array.from({ length: 5 }, () => ({ type: 'PING', opaque: '00'.repeat(8) })),
  )
  .from(
    'acceptor',
    Array.from({ length: 5 }, () => ({ type: 'PONG', opaque: '00'.repeat(8) })),
  )
  .from('dialler', [{ type: 'PING', opaque: '00'.repeat(8) }])
  .refusal('acceptor', FLOOD, 'too many PING')
  .build();

const secondResponse = new Session('a second RESPONSE', { ...toDialler, faults: ['B17'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(0), hello)], { do: [callAction('a', 'echo', hello)] })
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .result('dialler', { call: 'a', response: hello })
  .from('acceptor', [responseFrame(dialled(0), hello)])
  .refusal('dialler', CALL_NUMBER, 'the call is not live')
  .build();
const unknownResponse = refusedAnswer(
  'RESPONSE for a call that never was',
  [responseFrame(dialled(9), hello)],
  CALL_NUMBER,
  'no such call',
  ['B16'],
);
const wrongGeneration = refusedAnswer(
  'RESPONSE for another generation of a live slot',
  [responseFrame(dialled(0, 2), hello)],
  CALL_NUMBER,
  'no such call',
  ['B16'],
);
const wrongOpener = refusedAnswer(
  "RESPONSE with the acceptor's opener bit",
  [responseFrame(accepted(0), hello)],
  CALL_NUMBER,
  'wrong opener',
  ['B16'],
);
const itemForUnary = refusedAnswer(
  'ITEM for a unary call',
  [{ type: 'ITEM', call: dialled(0), body: hello }],
  PROTOCOL,
  'no stream',
  [],
);
const endForUnary = refusedAnswer(
  'END for a unary call',
  [{ type: 'END', call: dialled(0) }],
  PROTOCOL,
  'no stream',
  [],
);

export const errorSessions: Readonly<Record<string, SessionFile>> = {
  'preface-http': http,
  'version-none': version,
  'version-later': laterVersion,
  'hello-missing': noHello,
  'hello-twice': twoHellos,
  'preface-twice': twoPrefaces,
  truncated,
  'method-undeclared': undeclared,
  'method-twice': methodTwice,
  'method-beyond-limit': tooManyMethods,
  'method-answer-unasked': answerUnasked,
  'schema-unasked': schemaUnasked,
  'pong-unasked': pongUnasked,
  'call-duplicate': duplicate,
  'call-wrong-opener': ownNumber,
  'call-generation-skipped': skips,
  'call-generation-zero': zeroGeneration,
  'call-generation-again': generationAgain,
  'cancel-nothing': cancelNothing,
  'item-nothing': itemNothing,
  'response-from-caller': responseFromCaller,
  'item-for-unary': itemOnUnary,
  'request-other-method': otherMethod,
  'request-flags-inside': flagsInside,
  'empty-frames-11': emptyFrames,
  'empty-frames-10': emptyFramesTolerated,
  'ping-flood': pingFlood,
  'response-second': secondResponse,
  'response-unknown': unknownResponse,
  'response-wrong-generation': wrongGeneration,
  'response-wrong-opener': wrongOpener,
  'item-as-answer': itemForUnary,
  'end-as-answer': endForUnary,
};
