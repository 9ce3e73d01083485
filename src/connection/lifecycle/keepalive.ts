/**
 * Whether the peer is alive.
 *
 *               silent for keepaliveMs: PING              nothing came within keepaliveTimeoutMs
 *   listening ---------------------------------> asking -----------------------------------------> stopped, and `onDead`
 *       ^                                          |
 *       +------------------------------------------+
 *                    any byte came
 *
 * `stop()` leads from both states to `stopped`, where no timer runs. The event loop may have been blocked for longer than the answer
 * took, so input that has already arrived is read before the peer counts as dead (F23). Used by `Connection`.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type Steps, step } from '../../base/state-machine.js';
import type { Pings } from './pings.js';

/** Share by which the silence is drawn shorter or longer, so that many connections do not ask in step. */
const JITTER = 0.1;

export type KeepaliveState = 'listening' | 'asking' | 'stopped';

const steps: Steps<KeepaliveState> = {
  listening: ['listening', 'asking', 'stopped'],
  asking: ['listening', 'asking', 'stopped'],
  stopped: ['stopped'],
};

export interface KeepaliveTimes {
  /** Milliseconds of silence after which the peer is asked. */
  readonly silenceMs: number;
  /** Milliseconds that it then has to send anything. */
  readonly timeoutMs: number;
  /** Numbers from 0 to below 1, for jitter. */
  readonly random: () => number;
}

export class Keepalive {
  private state: KeepaliveState = 'listening';
  private timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly pings: Pings,
    private readonly times: KeepaliveTimes,
    /** Milliseconds of the clock at which bytes last came. */
    private readonly lastHeardAt: () => number,
    /** The peer did not answer in time. */
    private readonly onDead: () => void,
  ) {
    this.listen(this.nextSilenceMs());
  }

  stop(): void {
    this.state = step('keepalive', steps, this.state, 'stopped');
    this.timer?.cancel();
    this.timer = null;
  }

  private nextSilenceMs(): number {
    return this.times.silenceMs * (1 + JITTER * (2 * this.times.random() - 1));
  }

  private listen(ms: number): void {
    this.state = step('keepalive', steps, this.state, 'listening');
    this.wait(ms, () => this.onSilence());
  }

  /** Input that is already here is read first. */
  private wait(ms: number, then: () => void): void {
    this.timer = this.clock.setTimer(() => {
      this.timer = null;
      this.clock.afterReads(() => {
        if (this.state !== 'stopped') then();
      });
    }, ms);
  }

  /** Asks, unless bytes came meanwhile: then the silence counts from those. */
  private onSilence(): void {
    const silenceMs = this.nextSilenceMs();
    const askedAt = this.clock.now();
    const silentMs = askedAt - this.lastHeardAt();
    if (silentMs < silenceMs) {
      this.listen(silenceMs - silentMs);
      return;
    }
    this.pings.ask();
    this.state = step('keepalive', steps, this.state, 'asking');
    this.wait(this.times.timeoutMs, () => this.onTimeout(askedAt));
  }

  private onTimeout(askedAt: number): void {
    if (this.lastHeardAt() >= askedAt) {
      this.onSilence();
      return;
    }
    this.stop();
    this.onDead();
  }
}
