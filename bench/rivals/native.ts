/**
 * The rivals in other languages: programs that `make -C bench/rivals/native` builds where their compilers and libraries are. One
 * that was not built is skipped by name.
 */
import { fileURLToPath } from 'node:url';
import type { Rival, WorkloadName } from './rival.js';

interface Entry {
  readonly title: string;
  readonly language: string;
  readonly floor?: true;
  readonly setup: string;
  readonly workloads: readonly WorkloadName[];
}

const all = ['unary', 'blob', 'stream'] as const;

const entries: Readonly<Record<string, Entry>> = {
  'grpc-cpp': {
    title: 'gRPC C++',
    language: 'C++',
    setup: 'callback API, one thread a side where it can be had',
    workloads: all,
  },
  'grpc-go': { title: 'grpc-go', language: 'Go', setup: 'one connection, a goroutine a caller', workloads: all },
  'capnp-cpp': { title: "Cap'n Proto C++", language: 'C++', setup: 'EzRpc, one event loop a side', workloads: all },
  'c-epoll': {
    title: 'C epoll',
    language: 'C',
    floor: true,
    setup: 'frames and Avro by hand on epoll, one thread a side',
    workloads: all,
  },
};

const folder = fileURLToPath(new URL('../../../bench/rivals/native/', import.meta.url));

export function nativeRivals(): Rival[] {
  return Object.entries(entries).map(([name, { title, language, floor = false, setup, workloads }]) => ({
    name,
    title,
    language,
    floor,
    setup,
    workloads,
    command: [`${folder}build/${name}`],
  }));
}
