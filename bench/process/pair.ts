/** A contender's server and client as two processes, with the load running between them. */
import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import { Child } from './child.js';
import type { Pinning } from './cores.js';

export interface PairSettings {
  readonly contender: ContenderName;
  readonly handler: HandlerKind;
  readonly inFlight: number;
  readonly pinning: Pinning;
  /** A folder for CPU profiles of both sides, or null. */
  readonly profileFolder: string | null;
}

export interface Pair {
  readonly server: Child;
  readonly client: Child;
}

/** Starts both sides, runs `measure` once calls are being made, and stops both, whatever happens. */
export async function withPair<T>(settings: PairSettings, measure: (pair: Pair) => Promise<T>): Promise<T> {
  const { contender, handler, inFlight, pinning } = settings;
  const [serverCore, clientCore] = pinning.cores ?? [null, null];
  const children: Child[] = [];
  try {
    const server = new Child({ side: 'server', contender, handler }, serverCore, profiling(settings, 'server'));
    children.push(server);
    const port = await server.ready();
    const client = new Child({ side: 'client', contender, port, inFlight }, clientCore, profiling(settings, 'client'));
    children.push(client);
    await client.ready();
    return await measure({ server, client });
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    for (const child of children.reverse()) await child.stop();
  }
}

function profiling({ profileFolder, contender, inFlight }: PairSettings, side: string): string[] {
  if (profileFolder === null) return [];
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${profileFolder}`,
    `--cpu-prof-name=${contender}-${inFlight}-${side}.cpuprofile`,
  ];
}
