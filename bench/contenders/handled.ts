/** Counts and checks the requests of a server's handler: a contender must decode them, not just echo bytes. */
import { BLOCK_BYTES } from '../bytes.js';
import type { Canonical } from '../canonical.js';
import type { ServedContender } from './contender.js';

export class Handled {
  private calls = 0;
  private wrong = 0;

  record(record: Canonical): void {
    this.calls++;
    if (record.tags.length !== 3 || record.name.length !== 16) this.wrong++;
  }

  block(bytes: Uint8Array): void {
    this.calls++;
    if (bytes.length !== BLOCK_BYTES) this.wrong++;
  }

  served(port: number): ServedContender {
    return { port, calls: () => this.calls, wrong: () => this.wrong };
  }
}
