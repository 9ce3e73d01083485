/** Puts a `Connection` on a transport, with the settings of its channel or server. The only place where connections are made. */
import { Connection } from '../connection/connection.js';
import type { ConnectionOptions } from '../connection/connection-options.js';
import { PolledTransport } from '../transport/polled-transport.js';
import { makePeer } from './peer.js';
import { type EndpointSettings, SOFTWARE } from './settings.js';

/** What one connection has beside the settings that it shares with the others of its channel or server. */
export type OpenOptions = Pick<
  ConnectionOptions<Connection>,
  'transport' | 'side' | 'handshakeMs' | 'host' | 'compressors' | 'observer' | 'admission' | 'stats' | 'endpoint'
>;

/** The connection has sent its HELLO; the peer's has not been read. */
export function openConnection(settings: EndpointSettings, own: OpenOptions): Connection {
  const { limits, clock, random, compression, checksums, identity, polling } = settings;
  const polled = polling === null ? null : new PolledTransport(own.transport, polling);
  const connection = new Connection({
    ...own,
    transport: polled ?? own.transport,
    clock,
    random,
    limits,
    compression,
    compressionBytesMin: limits.compressionBytesMin,
    checksums,
    software: SOFTWARE,
    instance: identity.instance,
    schemas: identity.schemas,
    makePeer,
  });
  polled?.pollWhileOpen(connection);
  return connection;
}
