/** Virtual time for tests; the clock that is offered to everybody. */
export { VirtualClock } from '../../src/testing/virtual-clock.js';
