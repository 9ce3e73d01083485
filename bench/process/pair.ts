/** A workload's server and client as two processes, with the load running between them. */
import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import { Child } from './child.js';
import type { Pinning } from './cores.js';
import type { Role } from './messages.js';

export interface PairSettings {
  readonly contender: ContenderName;
  readonly handler: HandlerKind;
  readonly inFlight: number;
  readonly pinning: Pinning;
  /** For both processes' `node`. */
  readonly nodeArguments?: readonly string[];
  /** A folder for CPU profiles of both sides, or null. */
  readonly profileFolder: string | null;
}

export interface Pair {
  readonly server: Child;
  readonly client: Child;
}

/** What the two processes are started for. */
export interface Roles {
  readonly server: Role;
  client(port: number): Role;
  readonly pinning: Pinning;
  /** For both processes' `node`, such as `--expose-gc`. */
  readonly nodeArguments?: readonly string[];
  /** The `peer.js` that both run, where it is not this bench's own. */
  readonly entry?: string;
  readonly profileFolder: string | null;
  /** What the profiles are called by. */
  readonly profileName: string;
}

/** Starts both sides of unary calls, runs `measure` once calls are being made, and stops both, whatever happens. */
export function withPair<T>(settings: PairSettings, measure: (pair: Pair) => Promise<T>): Promise<T> {
  const { contender, handler, inFlight, pinning, nodeArguments = [], profileFolder } = settings;
  const roles: Roles = {
    server: { workload: 'calls', side: 'server', contender, handler },
    client: (port) => ({ workload: 'calls', side: 'client', contender, port, inFlight }),
    pinning,
    nodeArguments,
    profileFolder,
    profileName: `${contender}-${inFlight}`,
  };
  return withSides(roles, measure);
}

/** The same for any workload. */
export async function withSides<T>(roles: Roles, measure: (pair: Pair) => Promise<T>): Promise<T> {
  const [serverCore, clientCore] = roles.pinning.cores ?? [null, null];
  const children: Child[] = [];
  try {
    const server = new Child(roles.server, serverCore, nodeArguments(roles, 'server'), roles.entry);
    children.push(server);
    const port = await server.ready();
    const client = new Child(roles.client(port), clientCore, nodeArguments(roles, 'client'), roles.entry);
    children.push(client);
    await client.ready();
    return await measure({ server, client });
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    for (const child of children.reverse()) await child.stop();
  }
}

function nodeArguments({ nodeArguments: given = [], profileFolder, profileName }: Roles, side: string): string[] {
  if (profileFolder === null) return [...given];
  return [
    ...given,
    '--cpu-prof',
    `--cpu-prof-dir=${profileFolder}`,
    `--cpu-prof-name=${profileName}-${side}.cpuprofile`,
  ];
}
