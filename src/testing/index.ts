/**
 * `trunkline/testing`: run clients and servers without a network. `memoryPair(clock)` gives two transports that face each
 * other: one for `server.accept(transport)`, the other for `connect(target, { dial: async () => transport })`. Both take a
 * `clock`, so time can be a test's own.
 */
export { type Clock, systemClock, type Timer } from '../base/clock.js';
export { MemoryTransport, memoryPair } from '../connection/memory-transport.js';
export type { PeerIdentity, Transport, TransportEvents } from '../connection/transport.js';
