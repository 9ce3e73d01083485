/**
 * When to look: at once, then every period, sooner when somebody asks or when it failed; one look-up at a time.
 *
 *   looking --answer--> resting --the period is over; asked and the floor has passed--> looking
 *      |                   ^
 *      +-----failed--------+   asks itself
 *
 * The floor grows while look-ups that were asked for find nothing new, up to the period: an endpoint that stays down must
 * not make every client ask its name server once a second. What is new, or a period in which nobody asked, sets it back.
 */
import type { Timer } from '../../base/clock.js';
import { RpcError } from '../../base/errors.js';
import type { ResolverContext } from './resolver.js';
import { jittered, RetryDelay } from './retry-delay.js';

export interface LookUpOptions {
  /** Time between two look-ups that nobody asked for, 10 % more or less by chance. Default 30,000 ms. */
  readonly periodMs?: number;
  /** Time between a look-up and the next one when an endpoint failed or the look-up did; grows to periodMs. Default 1,000 ms. */
  readonly floorMs?: number;
  /** A look-up that takes longer is told to the channel as an error; its answer still counts. Default 5,000 ms. */
  readonly lookUpMsMax?: number;
}

export class LookUpLoop {
  private readonly context: ResolverContext;
  private readonly periodMs: number;
  private readonly lookUpMsMax: number;
  private readonly floor: RetryDelay;
  private state: 'resting' | 'looking' | 'stopped' = 'resting';
  private timer: Timer | null = null;
  /** When the timer runs, and when the floor has passed. */
  private nextAt = Infinity;
  private floorAt = -Infinity;
  private asked = false;

  /** `look` pushes what it found and says whether that was new; it rejects when it could not look. */
  constructor(
    context: ResolverContext,
    options: LookUpOptions,
    private readonly name: string,
    private readonly look: () => Promise<boolean>,
  ) {
    this.context = context;
    this.periodMs = positive('periodMs', options.periodMs ?? 30_000);
    this.lookUpMsMax = positive('lookUpMsMax', options.lookUpMsMax ?? 5_000);
    this.floor = new RetryDelay(context.random, positive('floorMs', options.floorMs ?? 1_000), this.periodMs);
  }

  start(): void {
    void this.run();
  }

  /** Begins with a rest, as after a look-up. */
  rest(): void {
    const { clock, random } = this.context;
    this.floorAt = clock.now() + this.floor.nextMs();
    this.schedule(clock.now() + jittered(this.periodMs, random));
  }

  /** Look again, as soon as the floor allows. */
  refresh(): void {
    if (this.state === 'stopped') return;
    this.asked = true;
    if (this.state === 'resting') this.schedule(this.floorAt);
  }

  stop(): void {
    this.state = 'stopped';
    this.timer?.cancel();
    this.timer = null;
  }

  private get stopped(): boolean {
    return this.state === 'stopped';
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const { clock } = this.context;
    const wasAsked = this.asked;
    this.asked = false;
    this.state = 'looking';
    this.nextAt = Infinity;
    this.timer = clock.setTimer(() => {
      this.context.onError(failed(this.name, `no answer within ${this.lookUpMsMax} ms (setting: lookUpMsMax)`));
    }, this.lookUpMsMax);
    let outcome: 'new' | 'known' | 'failed';
    try {
      outcome = (await this.look()) ? 'new' : 'known';
    } catch (error) {
      outcome = 'failed';
      if (!this.stopped) this.context.onError(error instanceof RpcError ? error : failed(this.name, error));
    }
    if (this.stopped) return;
    this.timer.cancel();
    this.state = 'resting';
    if (outcome === 'new' || (outcome === 'known' && !wasAsked)) this.floor.reset();
    if (outcome === 'failed') this.asked = true;
    this.floorAt = clock.now() + this.floor.nextMs();
    this.schedule(this.asked ? this.floorAt : clock.now() + jittered(this.periodMs, this.context.random));
  }

  /** The next look-up comes at that time, or earlier if that was said before. */
  private schedule(at: number): void {
    if (at >= this.nextAt) return;
    this.timer?.cancel();
    this.nextAt = at;
    this.timer = this.context.clock.setTimer(() => void this.run(), Math.max(0, at - this.context.clock.now()));
  }
}

/** Throws an `RpcError` (INVALID_ARGUMENT) unless the option is a time. */
export function positive(option: string, ms: number): number {
  if (ms > 0 && ms < Infinity) return ms;
  throw new RpcError('INVALID_ARGUMENT', `${option} is ${ms}, but must be more than 0`);
}

function failed(name: string, error: unknown): RpcError {
  const text = error instanceof Error ? error.message : String(error);
  return new RpcError('UNAVAILABLE', `cannot look up ${name}: ${text}`, error instanceof Error ? { cause: error } : {});
}
