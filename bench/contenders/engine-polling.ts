/** The engine with busy polling on both sides: what a single call takes when neither process has to be woken. */
import { Echo, engineWith } from './engine.js';

/** Longer than any round trip over loopback, so that both sides stay awake from one call to the next. */
export const BUSY_POLL_US = 200;

export const enginePolling = engineWith(Echo, { busyPollUs: BUSY_POLL_US });
