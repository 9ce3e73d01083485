/** What the callee's half is given to answer calls with: `server/` implements it over its services. */
import type { MethodSpec } from '../../wire/message-codec.js';
import type { CallContext } from './call-context.js';

export interface HostedMethod {
  readonly spec: MethodSpec;
  /** Runs the handler. Returns the response or a promise of it; may throw. */
  invoke(request: unknown, context: CallContext): unknown;
}

export interface CallHost {
  /** The method of this wire name, or null. */
  lookup(name: string): HostedMethod | null;
  /** Calls `onChange` after each change of what `lookup` gives, until the returned function is called. Without it nothing changes. */
  watch?(onChange: () => void): () => void;
  /** A handler threw something that is no `RpcError`, or answered with a value that its schema does not allow. */
  onHandlerError(error: unknown, method: MethodSpec): void;
}
