/**
 * What a handler knows about its call. One object per call; whatever costs something (signal, remaining time) is made when
 * it is first asked for.
 */

import type { InspectOptionsStylized } from 'node:util';
import { CancelController, type CancelSignal } from '../../base/cancel-signal.js';
import { isError } from '../../base/error-values.js';
import type { RpcError } from '../../base/errors.js';
import { type Inspect, inspectCustom, shortView } from '../../base/inspect.js';
import type { Metadata } from '../../wire/records/metadata.js';
import type { Link } from './link.js';
import type { PeerInfo } from './peer-info.js';

const noMetadata: Metadata = Object.freeze(Object.create(null) as Record<string, string>);

export class CallContext {
  /** Set it to send metadata with the answer or the failure. */
  responseMetadata: Metadata | null = null;
  /** Set it for an answer that is too long for one frame: of those the higher goes first. A whole number. */
  priority = 0;

  private readonly link: Link;
  private readonly deadlineAt: number;
  private readonly received: Metadata | null;
  private controller: AbortController | null = null;
  private abortReason: RpcError | null = null;
  /** Null on the prototype until there is a listener, so that other calls pay nothing. */
  declare private following: CancelController | null;

  /** @internal */
  constructor(link: Link, deadlineAt: number, metadata: Metadata | null) {
    this.link = link;
    this.deadlineAt = deadlineAt;
    this.received = metadata;
  }

  /** The caller's metadata: strings and Buffers by name, on an object without prototype. Empty when there was none. */
  get metadata(): Metadata {
    return this.received ?? noMetadata;
  }

  /** Milliseconds left until the call's deadline, 0 when it has passed, Infinity when it has none. */
  get deadlineMs(): number {
    return Math.max(0, this.deadlineAt - this.link.clock.now());
  }

  /**
   * Aborts when the caller cancels, the deadline passes or the connection is lost; `signal.reason` is the `RpcError` that
   * says which.
   */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.abortReason !== null) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  /** @internal For calls that are made on behalf of this one. */
  get followers(): CancelSignal {
    this.following ??= new CancelController();
    if (this.abortReason !== null) this.following.abort(this.abortReason);
    return this.following;
  }

  /** Who calls. */
  get peer(): PeerInfo {
    return this.link.peer;
  }

  /** @internal The call has ended without its handler. */
  abort(reason: RpcError): void {
    if (this.abortReason !== null) return;
    this.abortReason = reason;
    this.controller?.abort(reason);
    this.following?.abort(reason);
  }

  /** @internal Whether this is how a handler gave up when its signal aborted: with the reason, or an error of which it is the cause. */
  isAbort(error: unknown): boolean {
    const { abortReason } = this;
    return abortReason !== null && (error === abortReason || (isError(error) && error.cause === abortReason));
  }

  /** The names of the metadata only: its values may be credentials. */
  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const { deadlineMs, abortReason } = this;
    const metadata = Object.keys(this.metadata);
    const fields = { peer: this.peer.toString(), deadlineMs, aborted: abortReason?.message ?? false, metadata };
    return shortView('CallContext', fields, depth, options, inspect);
  }
}
Object.defineProperty(CallContext.prototype, 'following', { value: null, writable: true });
