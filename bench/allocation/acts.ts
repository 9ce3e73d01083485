/** What either side of calls does for `bench -- allocation`: acts that begin and end a meter or a profile in its own process. */
import type { Counts } from '../process/side.js';
import { AllocationMeter } from './meter.js';
import { AllocationSites } from './sites.js';

export class AllocationActs {
  private readonly meter = new AllocationMeter();
  private readonly sites = new AllocationSites();
  private found: Pick<Counts, 'allocated' | 'sites'> = {};

  counts(): Pick<Counts, 'allocated' | 'sites'> {
    return this.found;
  }

  async act(name: string): Promise<void> {
    if (name === 'meter:begin') this.meter.begin();
    else if (name === 'meter:end') this.found = { allocated: this.meter.end() };
    else if (name === 'sites:begin') await this.sites.begin();
    else if (name === 'sites:end') this.found = { sites: await this.sites.end() };
    else throw new Error(`there is no act ${name}`);
  }
}
