/**
 * The file of a unix socket. A server that was killed leaves its file behind, and nothing can listen there until it is removed. And
 * Node.js removes whatever stands at the path when a server closes, perhaps the socket of its successor, which would be out of reach.
 * So a file that nobody serves is taken over, and only a server's own file goes with it. Used by `Server`.
 */
import { lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import { connect, type Server as NetServer } from 'node:net';

export class SocketFile {
  /** As it was made by this server; null before. */
  private own: Stats | null = null;

  constructor(private readonly path: string) {}

  /** Removes a socket at the path that refuses connections. Everything else stays, and listening fails with EADDRINUSE. */
  async takeOver(): Promise<void> {
    const found = statOf(this.path);
    if (found === null || !found.isSocket()) return;
    if (!(await refusesConnections(this.path))) return;
    if (isSame(found, statOf(this.path))) unlinkSync(this.path);
  }

  /** The server listens, so the file is there. */
  listening(): void {
    this.own = statOf(this.path);
  }

  /** Stops listening. The file of another server is out of the way for that moment. */
  close(listener: NetServer): void {
    const found = statOf(this.path);
    if (found === null || this.own === null || isSame(found, this.own)) {
      listener.close();
      return;
    }
    const aside = `${this.path}.${process.pid}.kept`;
    renameSync(this.path, aside);
    try {
      listener.close();
    } finally {
      renameSync(aside, this.path);
    }
  }
}

/** Null: there is none, or it cannot be looked at. */
function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function isSame(one: Stats, other: Stats | null): boolean {
  return other !== null && one.dev === other.dev && one.ino === other.ino;
}

function refusesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
  });
}
