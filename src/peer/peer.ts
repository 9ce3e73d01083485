/**
 * The other end of a connection, as applications see it: `context.peer`, `channel.peer`, `server.peers`. Either side may call the
 * services of the other on the same connection. A peer lives as long as its connection: when that is lost, calls are not made
 * elsewhere, for elsewhere is somebody else.
 */
import type { ServiceDefinition } from '../avro/service/service.js';
import type { CallContext as AnyCallContext } from '../connection/calls/call-context.js';
import { LedgerSetting } from '../connection/calls/call-marks.js';
import { PeerInfo } from '../connection/calls/peer-info.js';
import type { Reject, Resolve } from '../connection/calls/pending-call.js';
import { type CallExtras, PendingCall } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import type { PeerIdentity } from '../transport/transport.js';
import type { MethodSpec } from '../wire/message-codec.js';
import { type Calls, type Client, clientOf } from './stubs.js';

/** What a handler is told about its call. */
export type CallContext = AnyCallContext<Peer>;

export class Peer extends PeerInfo {
  private readonly connection: Connection;
  private readonly clients = new Map<ServiceDefinition, unknown>();
  private gone = false;
  private closing: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  /** @internal */
  constructor(connection: Connection, identity: PeerIdentity) {
    super(identity);
    this.connection = connection;
  }

  /**
   * The client of a service that this peer serves, over this connection alone. Its calls fail with UNAVAILABLE once the connection
   * is lost or the peer drains.
   */
  client<S extends ServiceDefinition>(service: S): Client<S> {
    let client = this.clients.get(service);
    if (client === undefined) {
      client = clientOf(callsOver(this.connection), service);
      this.clients.set(service, client);
    }
    return client as Client<S>;
  }

  /** Whether calls can be made: the connection is up, and the peer does not drain. */
  get callable(): boolean {
    return this.connection.callable;
  }

  /** Resolves when the connection is gone; never rejects. */
  get closed(): Promise<void> {
    if (this.gone) return Promise.resolve();
    if (this.closing === null) {
      let resolve: () => void = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.closing = { promise, resolve };
    }
    return this.closing.promise;
  }

  /** @internal The connection is gone. */
  onClosed(): void {
    this.gone = true;
    this.closing?.resolve();
  }
}

/** For `ConnectionOptions`. */
export function makePeer(connection: Connection, identity: PeerIdentity): Peer {
  return new Peer(connection, identity);
}

function callsOver(connection: Connection): Calls {
  const { clock, limits } = connection;
  return {
    deadlineMsDefault: limits.deadlineMsDefault,
    ledgers: new LedgerSetting(clock, false),
    // The connection is there: it compresses with what was loaded for it.
    expectCompression: () => {},
    call: (spec, request, deadlineMs, extras) => connection.call(spec, request, deadlineMs, extras),
    start: (
      spec: MethodSpec,
      request: unknown,
      deadlineMs: number,
      extras: CallExtras,
      resolve: Resolve,
      reject: Reject,
    ): void => connection.resume(new PendingCall(spec, request, clock.now() + deadlineMs, extras, resolve, reject)),
  };
}
