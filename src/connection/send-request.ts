/** Writes the REQUEST of a call. Used by `Caller`. */
import { Flag, FrameType } from '../wire/constants.js';
import { encodeMetadata } from '../wire/records/metadata.js';
import { noBody } from './caller-streams.js';
import type { LongMessage } from './frame-scheduler.js';
import type { Link } from './link.js';
import type { OutgoingMethod } from './outgoing-methods.js';
import type { CallExtras } from './pending-call.js';

const DEADLINE_MS_MAX = 0x7fff_ffff;

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
