/** The acts of both sides for `bench -- allocation`: each starts or stops a meter or a profile in its own process. */
import { type Allocated, AllocationMeter } from './meter.js';
import { AllocationSites, type Site } from './sites.js';

export class AllocationActs {
  private readonly meter = new AllocationMeter();
  private readonly sites = new AllocationSites();
  /** The result of the last act. */
  found: { readonly allocated?: Allocated; readonly sites?: readonly Site[] } = {};

  async act(name: string): Promise<void> {
    if (name === 'meter:begin') this.meter.begin();
    else if (name === 'meter:end') this.found = { allocated: this.meter.end() };
    else if (name === 'sites:begin') await this.sites.begin();
    else if (name === 'sites:end') this.found = { sites: await this.sites.end() };
    else throw new Error(`there is no act ${name}`);
  }
}
