/** How many bytes a request that waits would take, for a queue that is bounded by them. Used by `CallQueue`. */
import type { MethodSpec } from '../../wire/message-codec.js';

const SCRATCH_BYTES = 64 * 1024;
let scratch: Buffer | null = null;

/** 0 for a call whose messages are items, and for a request that cannot be encoded: that fails when it is sent. */
export function requestBytes({ kind, request: codec }: MethodSpec, request: unknown): number {
  if (kind === 'clientStream' || kind === 'duplex') return 0;
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  try {
    const end = codec.encode(request, scratch, 0);
    return end >= 0 ? end : SCRATCH_BYTES - end;
  } catch {
    return 0;
  }
}
