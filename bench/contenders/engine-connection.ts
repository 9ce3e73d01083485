/** The engine without a channel: one `Connection` on one socket, called by the same stubs. What `engine` costs more is the channel. */
import { dial } from '../../src/channel/dial.js';
import { Connection } from '../../src/connection/connection.js';
import { parseAddress } from '../../src/discovery/resolver/address.js';
import { makePeer, peerOf } from '../../src/peer/peer.js';
import { settingsOf } from '../../src/peer/settings.js';
import type { Contender } from './contender.js';
import { Echo, engine } from './engine.js';

export const engineConnection: Contender = {
  ...engine,
  async dial(port) {
    const { limits, clock, random, compression, identity } = settingsOf({});
    const transport = await dial(parseAddress(`tcp://127.0.0.1:${port}`), { clock, connectMsMax: limits.connectMsMax });
    const fail = (_: Connection, reason: Error): never => {
      throw reason;
    };
    let resolve: () => void = () => {};
    const opened = new Promise<void>((done) => {
      resolve = done;
    });
    const connection = new Connection({
      transport,
      side: 'dialing',
      clock,
      random,
      limits,
      handshakeMs: limits.connectMsMax,
      host: null,
      compression,
      compressors: [],
      compressionBytesMin: limits.compressionBytesMin,
      software: 'bench',
      instance: identity.instance,
      schemas: identity.schemas,
      observer: { onOpen: () => resolve(), onRetired: () => {}, onClosed: fail },
      makePeer,
    });
    await opened;
    return peerOf(connection).client(Echo).echo;
  },
};
