/** The engine with an event loop that does not sleep, on both sides: what a lone call takes when nobody has to be woken for it. */
import { Echo, engineWith } from './engine.js';

/** Longer than any round trip over loopback, so that both sides stay awake from one call to the next. */
export const BUSY_POLL_US = 200;

export const enginePolling = engineWith(Echo, { busyPollUs: BUSY_POLL_US });
