/** The client's end: a channel that makes typed clients. */
import type { ServiceDefinition } from '../avro/service/service.js';
import { Channel } from '../channel/channel.js';
import type { ChannelOptions } from '../channel/channel-options.js';
import type { Resolver } from '../discovery/resolver/resolver.js';
import type { Handlers } from '../peer/service-host.js';
import { type Client, clientOf } from '../peer/stubs.js';

/** A channel that makes clients. Made by `connect`. */
export class ClientChannel extends Channel {
  /** The client of a service over this channel. Make it before the first call when its methods have compression of their own. */
  client<S extends ServiceDefinition>(service: S): Client<S> {
    return clientOf(this, service);
  }

  /**
   * Serves a service to the server: it is called by `context.peer.client(service)` there. Do this before the first call. Once such a
   * channel has been connected it connects again by itself, until it is closed. Throws an `RpcError` (INVALID_ARGUMENT) when a
   * handler is missing or no function, or when a method of that name is served already. Returns the channel.
   */
  add<S extends ServiceDefinition>(service: S, handlers: Handlers<S>): this {
    this.host.add(service, handlers);
    for (const compression of this.host.compressions()) this.expectCompression(compression);
    return this;
  }
}

/**
 * A channel to `target`: one address (`tcp://host:port`, `tls://host:port`, `unix:/path`), a list of them in an array or with commas
 * between them, a name to look up (`dns://host:port`, `dns+srv://_rpc._tcp.name`, `etcd://host:port/prefix`), or a resolver. Returns at
 * once; connections open with the first call or with `channel.ready()`. Throws an `RpcError` (INVALID_ARGUMENT) for a target or an
 * option that is wrong.
 */
export function connect(target: string | readonly string[] | Resolver, options: ChannelOptions = {}): ClientChannel {
  return new ClientChannel(target, options);
}
