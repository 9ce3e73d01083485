/**
 * Calls that certainly did not start and may be sent elsewhere without being asked: refused by a callee that drains, or not
 * written at all when their connection went. Used by `Caller`; the owner of the connection sends them (`Link.displace`).
 */
import type { RpcError } from '../base/errors.js';
import type { CallSlot } from './call-table.js';
import { PendingCall } from './pending-call.js';

/** Whether a FAILURE says that the callee drains (spec, 8.2). No handler can say so: it has started. */
export function refusedByDrain({ code, started, elsewhere }: RpcError): boolean {
  return code === 'UNAVAILABLE' && started === 'no' && elsewhere;
}

/**
 * The call of this slot as its caller gave it; null when nobody waits for it any more, or when items were taken from an
 * iterable that may not give them again. To be asked before the slot is released.
 */
export function displacedCall(entry: CallSlot): PendingCall | null {
  const { method, givenUp, outgoing, extras } = entry;
  // Without a method: declaring that has broken the connection.
  if (method === null || givenUp) return null;
  if (outgoing !== null && !Array.isArray(extras?.source)) return null;
  return new PendingCall(method.spec, entry.request, entry.deadlineAt, extras, entry.resolve, entry.reject);
}
