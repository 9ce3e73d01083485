/**
 * Whether the peer is alive. After a time of silence a PING asks; any byte received counts as an answer. The event loop may
 * have been blocked for longer than the answer took, so input that is already here is read before the peer is judged (F23).
 */
import type { Clock, Timer } from '../../base/clock.js';
import { CloseCode } from '../../wire/constants.js';
import type { LifecycleLink } from './lifecycle-link.js';
import type { Pings } from './pings.js';

export interface KeepaliveOwner {
  /** Milliseconds of the clock at which bytes last came. */
  lastReadAt(): number;
  sendPing(): void;
  /** The peer did not answer in time. */
  onDead(): void;
}

/** For a connection whose peer has said HELLO. `lastReadAt`: see `KeepaliveOwner`. */
export function startKeepalive(
  link: LifecycleLink,
  pings: Pings,
  random: () => number,
  lastReadAt: () => number,
): Keepalive {
  const { clock, limits, peerLimits } = link;
  const { keepaliveTimeoutMs } = limits;
  const silenceMs = Math.max(limits.keepaliveMs, peerLimits.pingIntervalMsMin);
  return new Keepalive(clock, random, silenceMs, keepaliveTimeoutMs, {
    lastReadAt,
    sendPing: () => pings.ask(),
    onDead: () => link.fail(CloseCode.KEEPALIVE_TIMEOUT, `no answer to PING within ${keepaliveTimeoutMs} ms`),
  });
}

/** Share by which the silence is drawn shorter or longer, so that many connections do not ask in step. */
const JITTER = 0.1;

export class Keepalive {
  private timer: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly silenceMs: number,
    private readonly timeoutMs: number,
    private readonly owner: KeepaliveOwner,
  ) {
    this.wait(this.nextSilenceMs());
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = null;
  }

  private nextSilenceMs(): number {
    return this.silenceMs * (1 + JITTER * (2 * this.random() - 1));
  }

  private wait(ms: number): void {
    this.timer = this.clock.setTimer(() => this.clock.afterReads(() => this.ask()), ms);
  }

  private ask(): void {
    if (this.stopped) return;
    const silenceMs = this.nextSilenceMs();
    const silentMs = this.clock.now() - this.owner.lastReadAt();
    if (silentMs < silenceMs) {
      this.wait(silenceMs - silentMs);
      return;
    }
    const askedAt = this.clock.now();
    this.owner.sendPing();
    this.timer = this.clock.setTimer(() => this.clock.afterReads(() => this.judge(askedAt)), this.timeoutMs);
  }

  private judge(askedAt: number): void {
    if (this.stopped) return;
    // The answer may have come long ago: the silence is counted from it, not from now.
    if (this.owner.lastReadAt() >= askedAt) this.ask();
    else this.owner.onDead();
  }
}
