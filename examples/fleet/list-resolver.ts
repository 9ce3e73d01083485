/** A custom resolver, used where there is no etcd: a list that this process changes and pushes to the channel. */
import type { Resolver, ResolverContext } from 'trunkline';

export class ListResolver implements Resolver {
  readonly name = 'the list of this example';
  private readonly addresses = new Set<string>();
  private context: ResolverContext | null = null;

  add(address: string): void {
    this.addresses.add(address);
    this.push();
  }

  remove(address: string): void {
    this.addresses.delete(address);
    this.push();
  }

  // Resolver: what the channel calls.

  start(context: ResolverContext): void {
    this.context = context;
    this.push();
  }

  /** The list is always up to date: there is nothing to look up again. */
  refresh(): void {}

  stop(): void {
    this.context = null;
  }

  /** The whole list, each time. */
  private push(): void {
    this.context?.onEndpoints(Array.from(this.addresses, (address) => ({ address })));
  }
}
