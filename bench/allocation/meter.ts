/**
 * How many bytes a process allocates. V8's used heap grows by each allocation and falls only in a garbage collection. So the growth
 * between two successive collections, which V8 reports before and after each (`v8.GCProfiler`), adds up to all that was allocated.
 *
 * Bytes of buffers are not on that heap and are freed at other times. They are sampled every millisecond, and each rise is counted:
 * what is allocated and freed within one millisecond is missed, so that figure is a lower bound.
 */
import { GCProfiler, getHeapStatistics } from 'node:v8';

/** What was allocated between two moments. */
export interface Allocated {
  readonly heapBytes: number;
  readonly bufferBytes: number;
  /** Of the young generation, and of the whole heap. */
  readonly scavenges: number;
  readonly markCompacts: number;
}

/** V8's report of one collection. */
export interface Collection {
  readonly gcType: string;
  readonly beforeGC: { readonly heapStatistics: { readonly usedHeapSize: number } };
  readonly afterGC: { readonly heapStatistics: { readonly usedHeapSize: number } };
}

const LOOK_MS = 1;

export class AllocationMeter {
  private profiler: GCProfiler | null = null;
  private timer: NodeJS.Timeout | undefined;
  private usedBytes = 0;
  private external = new Rises(0);

  begin(): void {
    this.profiler = new GCProfiler();
    this.profiler.start();
    this.timer = setInterval(() => this.external.look(getHeapStatistics().external_memory), LOOK_MS);
    const { used_heap_size, external_memory } = getHeapStatistics();
    this.external = new Rises(external_memory);
    this.usedBytes = used_heap_size;
  }

  end(): Allocated {
    if (this.profiler === null) throw new Error('the meter ends before it began');
    const { used_heap_size, external_memory } = getHeapStatistics();
    clearInterval(this.timer);
    this.external.look(external_memory);
    const { statistics } = this.profiler.stop();
    this.profiler = null;
    const ofType = (type: string): number => statistics.filter(({ gcType }) => gcType === type).length;
    return {
      heapBytes: allocatedBetween(this.usedBytes, statistics, used_heap_size),
      bufferBytes: this.external.sum,
      scavenges: ofType('Scavenge'),
      markCompacts: ofType('MarkSweepCompact'),
    };
  }
}

/** Bytes allocated from a moment with `fromBytes` in use, through these collections, to one with `toBytes`. */
export function allocatedBetween(fromBytes: number, collections: readonly Collection[], toBytes: number): number {
  let allocated = 0;
  let used = fromBytes;
  for (const { beforeGC, afterGC } of collections) {
    allocated += beforeGC.heapStatistics.usedHeapSize - used;
    used = afterGC.heapStatistics.usedHeapSize;
  }
  return allocated + toBytes - used;
}

/** Sums up how far a value has risen, whatever it falls between. */
export class Rises {
  sum = 0;

  constructor(private last: number) {}

  look(value: number): void {
    if (value > this.last) this.sum += value - this.last;
    this.last = value;
  }
}
