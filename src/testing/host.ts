/** A host of a simulated network: who listens there, how fast its programs read, and what its process is to its peers. */
import { ProcessIdentity } from '../connection/process-identity.js';
import type { Transport } from '../connection/transport.js';
import type { Random } from './random.js';
import type { ReadingRate } from './simulated-socket.js';

/** A server, or whatever takes transports. */
export interface Acceptor {
  accept(transport: Transport): void;
}

export class Host {
  acceptor: Acceptor | null = null;
  readonly rate: ReadingRate = { bytesPerSecond: Number.POSITIVE_INFINITY };
  readonly identity: ProcessIdentity;

  constructor(
    readonly name: string,
    readonly random: Random,
  ) {
    this.identity = new ProcessIdentity(random.bytes(16));
  }
}
