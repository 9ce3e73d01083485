/** A workload's server and client as two processes. */
import { Child } from './child.js';
import type { Pinning } from './cores.js';
import type { Role } from './role.js';

/** `S`, `C`: what the marks of the server and of the client hold besides the counts. */
export interface Pair<S extends object = object, C extends object = object> {
  readonly server: Child<S>;
  readonly client: Child<C>;
}

/** What the two processes are started for. */
export interface Roles<S extends object = object, C extends object = object> {
  readonly server: Role<S>;
  client(port: number): Role<C>;
  readonly pinning: Pinning;
  /** For both processes' `node`, such as `--expose-gc`. */
  readonly nodeArguments?: readonly string[];
  /** A folder for CPU profiles of both sides, or null. Default: null. */
  readonly profileFolder?: string | null;
  /** What the profiles are called by. */
  readonly profileName?: string;
}

/** Starts both sides, runs `measure` once both are ready, and stops both, whatever happens. */
export async function withSides<S extends object, C extends object, T>(
  roles: Roles<S, C>,
  measure: (pair: Pair<S, C>) => Promise<T>,
): Promise<T> {
  const [serverCore, clientCore] = roles.pinning.cores ?? [null, null];
  const children: { stop(): Promise<void> }[] = [];
  try {
    const server = new Child(roles.server, serverCore, nodeArguments(roles, 'server'));
    children.push(server);
    const port = await server.ready();
    const client = new Child(roles.client(port), clientCore, nodeArguments(roles, 'client'));
    children.push(client);
    await client.ready();
    return await measure({ server, client });
  } finally {
    // The client first: calls that lose their server would be counted as failed.
    for (const child of children.reverse()) await child.stop();
  }
}

function nodeArguments(
  { nodeArguments: given = [], profileFolder = null, profileName = 'profile' }: Roles,
  side: string,
): string[] {
  if (profileFolder === null) return [...given];
  return [
    ...given,
    '--cpu-prof',
    `--cpu-prof-dir=${profileFolder}`,
    `--cpu-prof-name=${profileName}-${side}.cpuprofile`,
  ];
}
