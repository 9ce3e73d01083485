/**
 * The registrations of a server in registries. When the server drains or closes they are withdrawn before its sockets close, so that
 * clients leave first.
 *
 *   open --withdraw()--> withdrawn: nothing more is registered
 */
import type { Clock } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import type { Registration } from '../discovery/resolver/registry.js';

/** A registry that does not answer delays the end of a server for at most this long; its entry then expires by itself. */
const WITHDRAW_MS_MAX = 1_000;

export class Registrations {
  private readonly all = new Set<Registration>();
  private state: 'open' | 'withdrawn' = 'open';

  constructor(private readonly clock: Clock) {}

  /** Throws an `RpcError` (FAILED_PRECONDITION) when the server drains or was closed. */
  add(register: () => Registration): Registration {
    if (this.state === 'withdrawn') throw new RpcError('FAILED_PRECONDITION', 'this server was closed');
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

  /** Takes back all registrations. Null: there were none; else it resolves within `msMax` milliseconds, at most 1 s. */
  withdraw(msMax: number): Promise<void> | null {
    this.state = 'withdrawn';
    if (this.all.size === 0) return null;
    const done = Promise.all(Array.from(this.all, (registration) => registration.unregister()));
    return new Promise((resolve) => {
      const finish = (): void => {
        this.all.clear();
        timer.cancel();
        resolve();
      };
      // It keeps the process alive: the server may have no socket at all.
      const timer = this.clock.setTimer(finish, Math.min(msMax, WITHDRAW_MS_MAX), true);
      void done.then(finish);
    });
  }
}
