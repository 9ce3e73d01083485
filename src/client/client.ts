/** The client's end: a channel that makes typed clients. */
import type { ServiceDefinition } from '../avro/service.js';
import { Channel, type ChannelOptions } from '../channel/channel.js';
import { type Client, clientOf } from '../channel/stubs.js';

/** A channel that makes clients. Made by `connect`. */
export class ClientChannel extends Channel {
  /** The client of a service over this channel. Make it before the first call when its methods have compression of their own. */
  client<S extends ServiceDefinition>(service: S): Client<S> {
    return clientOf(this, service);
  }
}

/**
 * A channel to `target`: `tcp://host:port`, `tls://host:port` or `unix:/path`. Returns at once; the connection opens with the first
 * call or with `channel.ready()`. Throws an `RpcError` (INVALID_ARGUMENT) for a target or an option that is wrong.
 */
export function connect(target: string, options: ChannelOptions = {}): ClientChannel {
  return new ClientChannel(target, options);
}
