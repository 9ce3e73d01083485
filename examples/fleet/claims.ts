/** What the example claims, and whether it held. */
import type { View } from './view.js';

export class Claims {
  private readonly claims: { readonly step: string; readonly text: string; readonly held: boolean }[] = [];
  private step = '';

  constructor(private readonly view: View) {}

  begin(step: string): void {
    this.step = step;
    this.view.line(`\n${step}`);
  }

  add(text: string, held: boolean): void {
    this.claims.push({ step: this.step, text, held });
    this.view.line(`   ${held ? 'held' : 'BROKEN'}: ${text}`);
  }

  /** Prints all that did not hold, and returns whether there is none. */
  summary(): boolean {
    const broken = this.claims.filter(({ held }) => !held);
    this.view.line(`\n${this.claims.length - broken.length} of ${this.claims.length} claims held.`);
    for (const { step, text } of broken) this.view.line(`   BROKEN in ${step}: ${text}`);
    return broken.length === 0;
  }
}
