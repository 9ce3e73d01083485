/** A host of a simulated network: who listens there, how fast its programs read, and the process that runs on it. */
import type { Transport } from '../transport/transport.js';
import type { Random } from './random.js';
import { SimulatedProcess } from './simulated-process.js';
import type { ReadingRate } from './simulated-socket.js';
import type { VirtualClock } from './virtual-clock.js';

/** A server, or whatever takes transports. */
export interface Acceptor {
  accept(transport: Transport): void;
}

export class Host {
  acceptor: Acceptor | null = null;
  readonly rate: ReadingRate = { bytesPerSecond: Number.POSITIVE_INFINITY };
  process: SimulatedProcess;

  constructor(
    readonly name: string,
    readonly random: Random,
    private readonly clock: VirtualClock,
  ) {
    this.process = this.newProcess();
  }

  /** Its process is gone; another takes its place, which does nothing yet. */
  endProcess(): void {
    this.acceptor = null;
    this.process.end();
    this.process = this.newProcess();
  }

  private newProcess(): SimulatedProcess {
    return new SimulatedProcess(this.clock, this.random.bytes(16));
  }
}
