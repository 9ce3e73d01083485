/** A channel's side of a resolver: what it was told, in order. */
import type { Endpoint, Resolver, ResolverContext, RpcError } from '../../src/index.js';
import { VirtualClock } from './clock.js';
import { Random } from './seed.js';

export class ResolverProbe {
  readonly lists: (readonly Endpoint[])[] = [];
  readonly errors: RpcError[] = [];
  private told: (() => void) | null = null;

  constructor(
    readonly resolver: Resolver,
    readonly clock: ResolverContext['clock'] = new VirtualClock(),
    random: () => number = randomOf(1),
  ) {
    resolver.start({
      clock,
      random,
      onEndpoints: (endpoints) => {
        this.lists.push(endpoints);
        this.told?.();
      },
      onError: (error) => {
        this.errors.push(error);
        this.told?.();
      },
    });
  }

  /** The lists without what tells one process at an address from the next. */
  get plain(): Endpoint[][] {
    return this.lists.map((list) => list.map((endpoint) => withoutInstance(endpoint)));
  }

  get addresses(): string[] | null {
    return this.lists.at(-1)?.map(({ address }) => address) ?? null;
  }

  /** Resolves when `holds()`, asked whenever the resolver tells something. Fails after five seconds. */
  async until(holds: () => boolean, what: string): Promise<void> {
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const text = (): string => `${what}: ${JSON.stringify(this.addresses)} ${this.errors.map(String).join('; ')}`;
      timeout = setTimeout(() => reject(new Error(`did not come within 5 s: ${text()}`)), 5_000);
    });
    const heard = new Promise<void>((resolve) => {
      this.told = () => {
        if (holds()) resolve();
      };
      this.told();
    });
    await Promise.race([heard, late]).finally(() => clearTimeout(timeout));
  }
}

export function randomOf(seed: number): () => number {
  const random = new Random(seed);
  return () => random.unit();
}

function withoutInstance(endpoint: Endpoint): Endpoint {
  return Object.fromEntries(Object.entries(endpoint).filter(([name]) => name !== 'instance')) as unknown as Endpoint;
}
