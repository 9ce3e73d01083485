/** Writes the REQUEST of a call. Used by `Caller`. */
import { Flag, FrameType } from '../../wire/constants.js';
import { DEADLINE_MS_MAX } from '../../wire/prefix.js';
import { encodeMetadata } from '../../wire/records/metadata.js';
import type { Link } from '../calls/link.js';
import type { CallExtras } from '../calls/pending-call.js';
import type { LongMessage } from '../messages/frame-scheduler.js';
import type { OutgoingMethod } from '../methods/outgoing-methods.js';
import { noBody } from './caller-streams.js';

/** Returns and throws as `MessageSender.send`. */
export function sendRequest(
  link: Link,
  method: OutgoingMethod,
  call: number,
  request: unknown,
  remainingMs: number,
  extras: CallExtras | null,
): LongMessage | null {
  const { spec, number, compression } = method;
  const wireMs =
    remainingMs <= DEADLINE_MS_MAX ? Math.ceil(remainingMs) : remainingMs === Infinity ? -1 : DEADLINE_MS_MAX;
  const marks = extras?.ledger ?? null;
  const flags = spec.kind === 'oneway' ? Flag.ONEWAY : marks === null ? 0 : Flag.LEDGER;
  const metadata =
    extras === null || extras.metadata === null ? null : encodeMetadata(extras.metadata, link.peerLimits);
  // The messages of a caller's stream follow as items.
  const codec = spec.kind === 'clientStream' || spec.kind === 'duplex' ? noBody : spec.request;
  const { sender } = link;
  marks?.beginEncoding();
  const long = sender.send(FrameType.REQUEST, flags, call, number, codec, request, wireMs, metadata, compression);
  marks?.endEncoding();
  return long;
}
