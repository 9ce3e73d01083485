/**
 * Which endpoints there are, and the resolvers that tell the channels so. A change reaches each channel when its resolver hears of
 * it, so what a channel knows (`Resolver.known`) is what it was told last, not what is true.
 */
import { type Endpoint, type Resolver, type ResolverContext, RpcError } from '../../../src/index.js';
import type { VirtualClock } from '../../../src/testing/index.js';
import type { Random } from '../../../src/testing/random.js';
import type { ListChange } from './plan.js';

export class Registry {
  /** Look-ups fail until then. */
  awayUntil = -Infinity;
  readonly resolvers: PushingResolver[] = [];
  private list: Endpoint[];

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
    /** All that there can be. */
    private readonly addresses: readonly string[],
    listed: number,
  ) {
    this.list = addresses.slice(0, listed).map((address) => ({ address }));
  }

  get endpoints(): readonly Endpoint[] {
    return this.list;
  }

  get isAway(): boolean {
    return this.clock.now() < this.awayUntil;
  }

  resolver(newsMs: number, failsFirst: boolean): PushingResolver {
    const resolver = new PushingResolver(this, this.clock, newsMs, failsFirst);
    this.resolvers.push(resolver);
    return resolver;
  }

  /** `neverEmpty`: at least one endpoint that was listed stays. */
  change(change: ListChange, ms: number, neverEmpty: boolean): void {
    const { random, list } = this;
    const absent = this.addresses.filter((address) => !list.some((endpoint) => endpoint.address === address));
    switch (change) {
      case 'add':
        if (absent.length > 0) this.list = [...list, { address: random.pick(absent) }];
        break;
      case 'remove': {
        const gone = random.below(list.length);
        if (list.length > Number(neverEmpty)) this.list = list.filter((_, index) => index !== gone);
        break;
      }
      case 'reorder':
        this.list = random.shuffled(list);
        break;
      case 'weights':
        this.list = list.map((endpoint) => ({ ...endpoint, weight: random.pick([0.5, 1, 3]) }));
        break;
      case 'priorities':
        this.list = list.map((endpoint) => ({ ...endpoint, priority: random.pick([0, 0, 1]) }));
        break;
      case 'empty':
        this.list = [];
        break;
      case 'error':
        for (const resolver of this.resolvers) resolver.fail();
        return;
      case 'away':
        this.awayUntil = Math.max(this.awayUntil, this.clock.now() + ms);
        return;
    }
    this.tell();
  }

  /** Everything is listed, and everybody can ask. */
  heal(): void {
    this.awayUntil = -Infinity;
    this.list = this.addresses.map((address) => ({ address }));
    this.tell();
  }

  private tell(): void {
    if (this.isAway) return;
    for (const resolver of this.resolvers) resolver.hear();
  }
}

export class PushingResolver implements Resolver {
  readonly name = 'registry';
  /** The last list that its channel got; null: none yet. */
  known: readonly Endpoint[] | null = null;
  /** Since when. */
  knownAt = -Infinity;
  refreshes = 0;
  private context: ResolverContext | null = null;
  private stopped = false;
  private asking = false;

  constructor(
    private readonly registry: Registry,
    private readonly clock: VirtualClock,
    private readonly newsMs: number,
    private failsFirst: boolean,
  ) {}

  start(context: ResolverContext): void {
    if (this.context !== null) throw new Error('a second start');
    this.context = context;
    this.ask();
  }

  refresh(): void {
    this.refreshes++;
    if (this.context === null) throw new Error('refresh before start');
    this.ask();
  }

  stop(): void {
    this.stopped = true;
  }

  /** There is news. */
  hear(): void {
    if (this.context !== null) this.clock.setTimer(() => this.push(), this.newsMs);
  }

  fail(): void {
    if (this.stopped || this.context === null) return;
    this.context.onError(new RpcError('UNAVAILABLE', 'the registry cannot be asked'));
  }

  /** One question at a time. */
  private ask(): void {
    if (this.asking) return;
    this.asking = true;
    const answer = (): void => {
      this.asking = false;
      if (this.registry.isAway || this.failsFirst) this.fail();
      else this.push();
      this.failsFirst = false;
    };
    if (this.newsMs === 0 && this.known === null) answer();
    else this.clock.setTimer(answer, Math.max(1, this.newsMs));
  }

  private push(): void {
    if (this.stopped) return;
    this.known = this.registry.endpoints;
    this.knownAt = this.clock.now();
    this.context?.onEndpoints(this.known);
  }
}
