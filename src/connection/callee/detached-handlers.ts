/**
 * Handlers that run without an open call: those of ONEWAY calls, and those whose call has ended before them (cancelled, out of
 * time, connection lost). They still count as executing; here stands what is said of them when a drain does not wait longer.
 */
import type { MethodSpec } from '../../wire/message-codec.js';
import type { CallContext } from '../calls/call-context.js';
import { type LeftCall, leftCall } from '../calls/left-call.js';
import type { PeerInfo } from '../calls/peer-info.js';

interface Detached {
  readonly spec: MethodSpec;
  readonly since: number;
  readonly state: 'running' | 'abandoned';
}

export class DetachedHandlers {
  private readonly handlers = new Map<CallContext, Detached>();

  /** `since`: when its request arrived. */
  add(context: CallContext, spec: MethodSpec, since: number): void {
    this.handlers.set(context, { spec, since, state: spec.kind === 'oneway' ? 'running' : 'abandoned' });
  }

  /** The handler has ended. */
  delete(context: CallContext): void {
    // Nearly always there is none: a call that is answered has its handler in its slot.
    if (this.handlers.size > 0) this.handlers.delete(context);
  }

  left(peer: PeerInfo, now: number): LeftCall[] {
    return Array.from(this.handlers.values(), ({ spec, since, state }) =>
      leftCall('in', spec, peer, now - since, state),
    );
  }
}
