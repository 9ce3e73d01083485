/**
 * Asks for one city after the other over one connection, with a given number of calls in flight, compares each answer with
 * its source, and measures.
 */
import type { Client } from 'trunkline';
import { type SourceCity, wrongField } from './cities.js';
import { Latencies } from './latencies.js';
import type { Cities, ServerProcess } from './service.js';

export interface Load {
  readonly callsInFlight: number;
  /** The load goes on, over and over through all cities, until both are reached. */
  readonly callsMin: number;
  readonly msMin: number;
}

export interface LoadResult {
  readonly callsInFlight: number;
  readonly calls: number;
  readonly ms: number;
  readonly latencies: Latencies;
  readonly clientCpuMicros: number;
  readonly serverCpuMicros: number;
  /** Calls that failed and answers that were wrong. */
  readonly errors: number;
  readonly firstError: string;
}

export interface Clients {
  readonly cities: Client<typeof Cities>;
  readonly serverProcess: Client<typeof ServerProcess>;
}

/** One load. The counts may be read while it runs. */
export class LoadRun {
  calls = 0;
  errors = 0;
  firstError = '';
  private asked = 0;
  private readonly latencies = new Latencies();
  private readonly startedAt = performance.now();
  private now = this.startedAt;

  constructor(
    private readonly clients: Clients,
    private readonly sources: readonly SourceCity[],
    private readonly load: Load,
  ) {}

  /** Up to the last answer. */
  get ms(): number {
    return this.now - this.startedAt;
  }

  /** From 0 to 1. */
  get progress(): number {
    const { callsMin, msMin } = this.load;
    return Math.min(1, this.calls / callsMin, this.ms / msMin);
  }

  async run(): Promise<LoadResult> {
    const { callsInFlight } = this.load;
    const serverBefore = await this.clients.serverProcess.cpuMicros(null);
    const clientBefore = process.cpuUsage();

    await Promise.all(Array.from({ length: callsInFlight }, () => this.askInTurn()));

    const { user, system } = process.cpuUsage(clientBefore);
    const serverCpuMicros = (await this.clients.serverProcess.cpuMicros(null)) - serverBefore;
    const { calls, ms, latencies, errors, firstError } = this;
    return { callsInFlight, calls, ms, latencies, clientCpuMicros: user + system, serverCpuMicros, errors, firstError };
  }

  /** One call after the other; as many of these run at once as calls are to be in flight. */
  private async askInTurn(): Promise<void> {
    const { clients, sources, latencies } = this;
    while (this.progress < 1) {
      const source = sources[this.asked % sources.length];
      this.asked += 1;
      const askedAt = performance.now();
      try {
        const city = await clients.cities.get({ id: source.cityId });
        this.now = performance.now();
        latencies.add(this.now - askedAt);
        this.calls += 1;
        const field = wrongField(city, source);
        if (field === null) continue;
        this.note(`city ${source.cityId}: ${field} is ${JSON.stringify(city[field])}, not what its source says`);
      } catch (error) {
        this.note(String(error));
        return;
      }
    }
  }

  private note(error: string): void {
    this.errors += 1;
    if (this.firstError === '') this.firstError = error;
  }
}
