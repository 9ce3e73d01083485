/** Sessions of blobs: a head and bytes each way. */
import { callAction, methodFrame, requestFrame } from './call-sessions.js';
import { dialled, Session } from './session-builder.js';
import type { FrameView, HexView, SessionFile } from './view.js';

const needs = ['streams'];
const call = dialled(0);
const head = '68656164';
const bytes = '6279746573';

const item = (body: HexView, flags: readonly string[] = []): FrameView => ({
  type: 'ITEM',
  call,
  ...(flags.length === 0 ? {} : { flags }),
  body,
});
const end: FrameView = { type: 'END', call };
const declare = methodFrame('mirror', 0, 'BLOB');

const blob = new Session('a blob: head and bytes come back', { needs })
  .greet()
  .from('dialler', [declare, requestFrame(call, head), item(bytes), end], {
    do: [callAction('a', 'mirror', head), { send: 'a', item: bytes }, { end: 'a' }],
  })
  .from('acceptor', [item(head), item(bytes), end])
  .result('dialler', { call: 'a', items: [head, bytes] })
  .build();

const bothWays = new Session('the bytes of a blob go both ways at the same time', { needs })
  .greet()
  .from('dialler', [declare, requestFrame(call, head), item('01')], {
    do: [callAction('a', 'mirror', head), { send: 'a', item: '01' }],
  })
  .from('acceptor', [item(head), item('01')])
  .from('dialler', [item('02'), end], { do: [{ take: 'a', items: 2 }, { send: 'a', item: '02' }, { end: 'a' }] })
  .from('acceptor', [item('02'), end])
  .result('dialler', { call: 'a', items: [head, '01', '02'] })
  .build();

const noBytes = new Session('a blob without bytes, with an empty head', { needs })
  .greet()
  .from('dialler', [declare, requestFrame(call, ''), end], { do: [callAction('a', 'mirror', ''), { end: 'a' }] })
  .from('acceptor', [item(''), end])
  .result('dialler', { call: 'a', items: [''] })
  .build();

const longHead = new Session('the heads of a blob come in several frames, its bytes cut elsewhere', { needs })
  .greet()
  .from('dialler', [declare, requestFrame(call, head), item(bytes), end], {
    do: [callAction('a', 'mirror', head), { send: 'a', item: bytes }, { end: 'a' }],
  })
  .from('acceptor', [item('6865', ['MORE']), item('', ['MORE']), item('6164'), item(bytes), end])
  .result('dialler', { call: 'a', items: [head, bytes] })
  .build();

const itemTooEarly = new Session("bytes of a blob inside its caller's head", { needs, tests: ['acceptor'] })
  .greet()
  .from('dialler', [declare, requestFrame(call, head, { flags: ['MORE'] }), item(bytes)])
  .refusal('acceptor', 6, 'ITEM inside a REQUEST')
  .build();

const cutBytes = new Session('MORE on the bytes of a blob', { needs, tests: ['acceptor'] })
  .greet()
  .from('dialler', [declare, requestFrame(call, head)])
  .from('acceptor', [item(head)])
  .from('dialler', [item(bytes, ['MORE'])])
  .refusal('acceptor', 5, 'MORE on bytes')
  .build();

const noHead = new Session('a blob is answered without a head', { needs, tests: ['dialler'] })
  .greet()
  .from('dialler', [declare, requestFrame(call, head), end], { do: [callAction('a', 'mirror', head), { end: 'a' }] })
  .from('acceptor', [end])
  .result('dialler', { call: 'a', failure: { code: 'INTERNAL', started: 'YES' } })
  .build();

export const blobSessions: Readonly<Record<string, SessionFile>> = {
  blob,
  'blob-both-ways': bothWays,
  'blob-no-bytes': noBytes,
  'blob-long-head': longHead,
  'blob-item-too-early': itemTooEarly,
  'blob-cut-bytes': cutBytes,
  'blob-no-head': noHead,
};
