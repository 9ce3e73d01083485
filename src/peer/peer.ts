/**
 * The other end of a connection, as applications see it: `context.peer`, `channel.peer`, `server.peers`. Either side may call the
 * services of the other on the same connection. A peer lives as long as its connection: when that is lost its calls fail, since another
 * connection may lead to another process.
 */
import type { InspectOptionsStylized } from 'node:util';
import type { ServiceDefinition } from '../avro/service/service.js';
import { assert } from '../base/assert.js';
import { type Inspect, inspectCustom, shortView } from '../base/inspect.js';
import { LedgerSetting } from '../connection/calls/call-marks.js';
import { PeerInfo } from '../connection/calls/peer-info.js';
import type { Reject, Resolve } from '../connection/calls/pending-call.js';
import { type CallExtras, PendingCall } from '../connection/calls/pending-call.js';
import type { Connection } from '../connection/connection.js';
import type { PeerIdentity } from '../transport/transport.js';
import type { MethodSpec } from '../wire/message-codec.js';
import type { Client, Peer } from './public-types.js';
import { type Calls, clientOf } from './stubs.js';

/** The `Peer` that channels and servers give to each of their connections. */
export class ConnectionPeer extends PeerInfo implements Peer {
  readonly #connection: Connection;
  readonly #clients = new Map<ServiceDefinition, unknown>();
  #gone = false;
  #closing: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  constructor(connection: Connection, identity: PeerIdentity) {
    super(identity);
    this.#connection = connection;
  }

  client<S extends ServiceDefinition>(service: S): Client<S> {
    let client = this.#clients.get(service);
    if (client === undefined) {
      client = clientOf(callsOver(this.#connection), service);
      this.#clients.set(service, client);
    }
    // A map cannot say that the type of each value follows from its key.
    return client as Client<S>;
  }

  get callable(): boolean {
    return this.#connection.callable;
  }

  get closed(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    if (this.#closing === null) {
      let resolve: () => void = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#closing = { promise, resolve };
    }
    return this.#closing.promise;
  }

  /** The connection is gone. */
  onClosed(): void {
    this.#gone = true;
    this.#closing?.resolve();
  }

  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const { software, instance, callable } = this;
    return shortView('Peer', { address: this.toString(), software, instance, callable }, depth, options, inspect);
  }
}

/** For `ConnectionOptions`. */
export function makePeer(connection: Connection, identity: PeerIdentity): ConnectionPeer {
  return new ConnectionPeer(connection, identity);
}

/** The peer of a connection that was made with `makePeer`. */
export function peerOf({ peer }: Connection): ConnectionPeer {
  assert(peer instanceof ConnectionPeer, 'a connection of a channel or server has a peer of its own kind');
  return peer;
}
function callsOver(connection: Connection): Calls {
  const { clock, limits } = connection;
  return {
    deadlineMsDefault: limits.deadlineMsDefault,
    ledgers: new LedgerSetting(clock, false),
    // The connection is there: it compresses with what was loaded for it.
    expectCompression: () => {},
    call: (spec, request, deadlineMs, extras) => connection.caller.call(spec, request, deadlineMs, extras),
    start: (
      spec: MethodSpec,
      request: unknown,
      deadlineMs: number,
      extras: CallExtras,
      resolve: Resolve,
      reject: Reject,
    ): void =>
      connection.caller.resume(new PendingCall(spec, request, clock.now() + deadlineMs, extras, resolve, reject)),
  };
}
