/**
 * When to look up: at once, then every period; sooner after a failure or when a refresh is asked for. One look-up at a time.
 *
 *   looking --answer--> resting --period over, or refresh asked for and floor passed--> looking
 *      |                   ^
 *      +-----failed--------+   as if a refresh were asked for
 *
 * The floor is the least time between two look-ups. It grows up to the period while refreshes find nothing new: an endpoint that stays
 * down must not make every client query its name server once a second. A new answer, or a period without a refresh, resets it.
 */
import type { Timer } from '../../base/clock.js';
import { isError, reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { type OptionKinds, shown } from '../../base/options.js';
import type { ResolverContext } from './resolver.js';
import { jittered, RetryDelay } from './retry-delay.js';

export interface LookUpOptions {
  /** Milliseconds between two regular look-ups, jittered by 10 %. Default 30,000. */
  readonly periodMs?: number;
  /** Milliseconds before another look-up when an endpoint or the look-up failed; grows to periodMs. Default 1,000. */
  readonly floorMs?: number;
  /** A look-up that takes longer, in milliseconds, is reported as an error; its answer still counts. Default 5,000. */
  readonly lookUpMsMax?: number;
}

export const lookUpOptionKinds: OptionKinds<LookUpOptions> = {
  periodMs: 'number',
  floorMs: 'number',
  lookUpMsMax: 'number',
};

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

  /** `look` pushes what it found and resolves with whether that was new; it rejects when the look-up failed. */
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

  /** Starts with a pause, as after a look-up. */
  rest(): void {
    const { clock, random } = this.context;
    this.floorAt = clock.now() + this.floor.nextMs();
    this.schedule(clock.now() + jittered(this.periodMs, random));
  }

  /** Looks up again, as soon as the floor allows. */
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

  /** Schedules the next look-up, unless an earlier one is scheduled. */
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
  throw new RpcError('INVALID_ARGUMENT', `${option} is ${shown(ms)}, but must be more than 0`);
}

function failed(name: string, error: unknown): RpcError {
  const text = reasonOf(error);
  return new RpcError('UNAVAILABLE', `cannot look up ${name}: ${text}`, isError(error) ? { cause: error } : {});
}
