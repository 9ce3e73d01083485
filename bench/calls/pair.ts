/** The server and the client of unary calls as two processes, with the load running between them. */
import type { HandlerKind } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import type { Pinning } from '../process/cores.js';
import { type Pair, withSides } from '../process/pair.js';
import { type CallsExtra, callsClient, callsServer } from './roles.js';

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

export type CallsPair = Pair<CallsExtra, CallsExtra>;

/** Starts both sides, runs `measure` once calls are being made, and stops both, whatever happens. */
export function withPair<T>(settings: PairSettings, measure: (pair: CallsPair) => Promise<T>): Promise<T> {
  const { contender, handler, inFlight, pinning, nodeArguments = [], profileFolder } = settings;
  const roles = {
    server: callsServer({ contender, handler }),
    client: (port: number) => callsClient({ contender, port, inFlight }),
    pinning,
    nodeArguments,
    profileFolder,
    profileName: `${contender}-${inFlight}`,
  };
  return withSides(roles, measure);
}
