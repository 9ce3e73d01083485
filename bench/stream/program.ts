/** What `bench -- stream` runs: one server stream of the canonical record, from a server to a client, each a process of its own. */
import type { ServedContender } from '../contenders/contender.js';
import type { ItemCheck } from './item-check.js';

/** What gives the items: a generator or an async generator. */
export type SourceKind = 'generator' | 'async-generator';

export interface StreamProgram {
  /** Listens, and sends each client that asks an endless stream of records. Counts items as calls. */
  serve(): Promise<ServedContender>;
  /** Connects once and asks. Resolves when items may come; each is given to `check`. */
  consume(port: number, check: ItemCheck): Promise<void>;
}
