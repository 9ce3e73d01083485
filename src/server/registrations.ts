/** Where a server has made itself known: kept until it ends, and then taken back before its sockets close, so that clients go first. */
import type { Clock } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import type { Registration } from '../discovery/resolver/registry.js';

/** A registry that does not answer holds up the end of a server no longer; the entry then expires by itself. */
const WITHDRAW_MS_MAX = 1_000;

export class Registrations {
  private readonly all = new Set<Registration>();
  private closed = false;

  constructor(private readonly clock: Clock) {}

  /** Throws an `RpcError` (FAILED_PRECONDITION) when the server has begun to end. */
  add(register: () => Registration): Registration {
    if (this.closed) throw new RpcError('FAILED_PRECONDITION', 'this server was closed');
    const registration = register();
    this.all.add(registration);
    return {
      registered: registration.registered,
      unregister: () => {
        this.all.delete(registration);
        return registration.unregister();
      },
    };
  }

  /** From here on the server is not known any more. Null when nothing had to be done; else it resolves within `msMax`, at most 1 s. */
  withdraw(msMax: number): Promise<void> | null {
    this.closed = true;
    if (this.all.size === 0) return null;
    const done = Promise.all(Array.from(this.all, (registration) => registration.unregister()));
    return new Promise((resolve) => {
      const finish = (): void => {
        this.all.clear();
        timer.cancel();
        resolve();
      };
      // Nothing else may keep the process: the server may have no socket at all.
      const timer = this.clock.setTimer(finish, Math.min(msMax, WITHDRAW_MS_MAX), true);
      void done.then(finish);
    });
  }
}
