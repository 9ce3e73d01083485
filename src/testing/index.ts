/**
 * `trunkline/testing`: run clients and servers without a network. `SimulatedNetwork` joins real ones in memory, with time of its
 * own, faults on demand, and one seed from which all of it follows. `memoryPair(clock)` is the least: two transports that face
 * each other, one for `server.accept(transport)`, the other for `connect(target, { dial: async () => transport })`.
 */
export { type Clock, systemClock, type Timer } from '../base/clock.js';
export { MemoryTransport, memoryPair } from '../transport/memory-transport.js';
export type { PeerIdentity, Transport, TransportEvents } from '../transport/transport.js';
export type { Acceptor } from './host.js';
export type { PathConditions } from './path.js';
export { Random } from './random.js';
export {
  type Direction,
  type SimulatedEndpointOptions,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from './simulated-network.js';
export type { TraceEvent } from './trace.js';
export { type Settling, VirtualClock } from './virtual-clock.js';
