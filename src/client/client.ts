/**
 * The client's end: `connect` and the channel that an application holds. `ClientChannel` is all that it may use; the `Channel` behind
 * it, which stubs call directly, stays out of its sight.
 */
import type { InspectOptionsStylized } from 'node:util';
import type { ServiceDefinition } from '../avro/service/service.js';
import { inNoContext } from '../base/async-context.js';
import { type Inspect, inspectCustom, shortView } from '../base/inspect.js';
import { Channel } from '../channel/channel.js';
import type { ChannelOptions } from '../channel/channel-options.js';
import type { ChannelDescription } from '../channel/description.js';
import type { Resolver } from '../discovery/resolver/resolver.js';
import type { DrainReport } from '../peer/connection-set.js';
import type { Client, Peer } from '../peer/public-types.js';
import type { Handlers } from '../peer/service-host.js';
import type { GraceOptions } from '../peer/settings.js';
import { clientOf } from '../peer/stubs.js';

/** A channel to a target: makes clients, and keeps the connections that they share. Made by `connect`. */
export interface ClientChannel {
  /** The server at the other end; with several endpoints, one of those that are connected. Null without a connection. */
  readonly peer: Peer | null;
  /**
   * Connects, and resolves when a server has answered the handshake. Rejects with the `RpcError` of the last attempt when every
   * endpoint has failed, or when the target names no endpoint. An endpoint in backoff is dialled again when its backoff has passed.
   */
  ready(): Promise<void>;
  /** The state of the channel and of its endpoints now, as plain values. */
  describe(): ChannelDescription;
  /** The client of a service over this channel. Make it before the first call when its methods have compression of their own. */
  client<S extends ServiceDefinition>(service: S): Client<S>;
  /**
   * Serves a service to the server, whose handlers call it by `context.peer.client(service)`. Add it before the first call. A channel
   * that serves connects again by itself once it has been connected, until it is closed. Returns the channel. Throws an `RpcError`
   * (INVALID_ARGUMENT) when a handler is missing or not a function, or when a method of that name is already served.
   */
  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): this;
  /** Serves a service no longer, as `Server.remove` does. Returns the channel. */
  remove(service: ServiceDefinition): this;
  /**
   * Keeps the process alive until the channel is closed or `unref` is called. By default a channel keeps it alive while calls are in flight
   * or wait, and, if it serves something (`add`), from its first connection on. Returns the channel.
   */
  ref(): this;
  /** Takes back `ref`, and lets the process end though the channel serves. Calls that have not ended keep it alive. Returns the channel. */
  unref(): this;
  /**
   * Makes no new calls, lets those in flight finish, then closes. Calls that have not ended after `graceMs` milliseconds (default 20,000)
   * are cancelled and listed in the report. Call it again with a shorter grace to shorten it. Rejects with an `RpcError`
   * (INVALID_ARGUMENT) for a `graceMs` that is not a number of at least 0.
   */
  close(options?: GraceOptions): Promise<DrainReport>;
  /** `await using channel = connect(...)`: as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

class ChannelHandle implements ClientChannel {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get peer(): Peer | null {
    return this.#channel.peer;
  }

  ready(): Promise<void> {
    return this.#channel.ready();
  }

  describe(): ChannelDescription {
    return this.#channel.describe();
  }

  client<S extends ServiceDefinition>(service: S): Client<S> {
    return clientOf(this.#channel, service);
  }

  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): this {
    this.#channel.serve(service, handlers);
    return this;
  }

  ref(): this {
    this.#channel.keepProcess(true);
    return this;
  }

  unref(): this {
    this.#channel.keepProcess(false);
    return this;
  }

  remove(service: ServiceDefinition): this {
    this.#channel.stopServing(service);
    return this;
  }

  close(options?: GraceOptions): Promise<DrainReport> {
    return this.#channel.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspectCustom](depth: number, options: InspectOptionsStylized, inspect: Inspect): string {
    const { target, state, endpoints, callsWaiting } = this.#channel.describe();
    const lines = endpoints.map((endpoint) => `${endpoint.address} ${endpoint.state}, ${endpoint.inFlight} in flight`);
    return shortView('ClientChannel', { target, state, callsWaiting, endpoints: lines }, depth, options, inspect);
  }
}

/**
 * A channel to `target`: one address (`tcp://host:port`, `tls://host:port`, `unix:/path`), a list of addresses in an array or separated
 * by commas, a name to look up (`dns://host:port`, `dns+srv://_rpc._tcp.name`, `etcd://host:port/prefix`), or a resolver. Returns at
 * once; connections open with the first call or with `channel.ready()`. Throws an `RpcError` (INVALID_ARGUMENT) for a wrong target or
 * option.
 */
export function connect(target: string | readonly string[] | Resolver, options?: ChannelOptions): ClientChannel {
  return new ChannelHandle(inNoContext(() => new Channel(target, options)));
}
