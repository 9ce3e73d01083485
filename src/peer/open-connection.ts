/** A connection as channels and servers make it. */
import { Connection } from '../connection/connection.js';
import type { ConnectionOptions } from '../connection/connection-options.js';
import type { Polling } from '../transport/busy-poller.js';
import { PolledTransport } from '../transport/polled-transport.js';

/** A connection, polled where `polling` is set. */
export function connectionWith(polling: Polling | null, options: ConnectionOptions<Connection>): Connection {
  if (polling === null) return new Connection(options);
  const transport = new PolledTransport(options.transport, polling);
  const connection = new Connection({ ...options, transport });
  transport.calls = connection;
  return connection;
}
