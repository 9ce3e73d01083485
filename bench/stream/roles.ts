/** One endless server stream: the processes of `bench -- stream`. */
import { type Role, roleOf } from '../process/role.js';
import type { StreamProgramName } from './names.js';

export interface StreamServer {
  readonly side: 'server';
  readonly program: StreamProgramName;
}

export interface StreamClient {
  readonly side: 'client';
  readonly program: StreamProgramName;
  readonly port: number;
}

const module = new URL('sides.js', import.meta.url);

export function streamServer(program: StreamProgramName): Role {
  return roleOf(module, `server of ${program}`, { side: 'server', program } satisfies StreamServer);
}

export function streamClient(program: StreamProgramName, port: number): Role {
  return roleOf(module, `client of ${program}`, { side: 'client', program, port } satisfies StreamClient);
}
