/** Sessions in which one call is refused, or its message is out of the ordinary, and the connection goes on. */
import { failureFrame, methodFrame, requestFrame, responseFrame } from './call-sessions.js';
import { dialled, Session } from './session-builder.js';
import type { SessionFile } from './view.js';

const hello = '68656c6c6f';
const toAcceptor = { tests: ['acceptor'] } as const;

const slotOutOfRange = new Session('a slot beyond callsInFlightMax refuses that call only', {
  ...toAcceptor,
  faults: ['B18'],
  acceptor: { limits: { callsInFlightMax: 16 } },
})
  .greet()
  .from('dialler', [methodFrame('echo', 0), requestFrame(dialled(16), hello), requestFrame(dialled(15), hello)])
  .from('acceptor', [failureFrame(dialled(16), 8, 'NO', 'callsInFlightMax is 16'), responseFrame(dialled(15), hello)])
  .build();

const tooLong = [{ repeat: '61', times: 16_384 }] as const;
const requestTooLong = new Session(
  'a request beyond messageBytesMax: the rest of it is dropped, the connection goes on',
  {
    ...toAcceptor,
    acceptor: { limits: { messageBytesMax: 65_536 } },
  },
)
  .greet()
  .from('dialler', [
    methodFrame('echo', 0),
    ...Array.from({ length: 5 }, () => requestFrame(dialled(0), tooLong, { flags: ['MORE'] })),
    requestFrame(dialled(0), tooLong),
    requestFrame(dialled(1), hello),
  ])
  .from('acceptor', [failureFrame(dialled(0), 8, 'NO', 'messageBytesMax is 65536'), responseFrame(dialled(1), hello)])
  .from('dialler', [requestFrame(dialled(0, 2), hello)])
  .from('acceptor', [responseFrame(dialled(0, 2), hello)])
  .build();

const badMetadata = new Session('malformed metadata fails its call only', { ...toAcceptor, faults: ['B28'] })
  .greet()
  .from('dialler', [methodFrame('echo', 0)])
  .bytes('dialler', '0d000000000001000404000009000000020661006200027800', 'metadata with a NUL in a key')
  .from('acceptor', [failureFrame(dialled(0), 3, 'NO', 'a key contains NUL')])
  .from('dialler', [requestFrame(dialled(1), hello)])
  .from('acceptor', [responseFrame(dialled(1), hello)])
  .build();

const badCompression = new Session('a codec that was not listed fails its call only', {
  ...toAcceptor,
  faults: ['B31'],
})
  .greet()
  .from('dialler', [
    methodFrame('echo', 0),
    requestFrame(dialled(0), '0105000000506162636465', { flags: ['COMPRESSED'] }),
  ])
  .from('acceptor', [failureFrame(dialled(0), 3, 'NO', 'codec 1 was not offered')])
  .from('dialler', [requestFrame(dialled(1), hello)])
  .from('acceptor', [responseFrame(dialled(1), hello)])
  .build();

const compressed = new Session('a compressed request', {
  ...toAcceptor,
  needs: ['lz4'],
  acceptor: { compression: ['lz4'] },
})
  .greet()
  .from('dialler', [
    methodFrame('echo', 0),
    requestFrame(dialled(0), '0105000000506162636465', { flags: ['COMPRESSED'] }),
  ])
  .from('acceptor', [responseFrame(dialled(0), '6162636465')], {
    note: 'the dialler lists no codec, so nothing is compressed towards it',
  })
  .build();

export const refusedCallSessions: Readonly<Record<string, SessionFile>> = {
  'slot-beyond-limit': slotOutOfRange,
  'request-too-long': requestTooLong,
  'metadata-malformed': badMetadata,
  'compression-not-listed': badCompression,
  'compression-lz4': compressed,
};
