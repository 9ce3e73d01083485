/**
 * Counts what one call makes the runtime do, by `async_hooks`: promises, turns of `process.nextTick`, `queueMicrotask`, `setImmediate`,
 * timers, reads and writes of sockets. A handle of TCP is seen when it is made, so its writes are counted at the handle, below all
 * that may buffer: one is a system call, unless the socket is full.
 */
import { createHook } from 'node:async_hooks';

export interface EventCounts {
  writes: number;
  reads: number;
  wireBytes: number;
  promises: number;
  ticks: number;
  microtasks: number;
  immediates: number;
  timers: number;
}

interface TcpHandle {
  readonly bytesWritten: number;
  [method: string]: unknown;
}

const WRITES = ['writev', 'writeBuffer', 'writeUtf8String', 'writeAsciiString', 'writeLatin1String', 'writeUcs2String'];

/** Starts counting; call it before the first socket. The function it returns says what was counted so far. */
export function countEvents(): () => EventCounts {
  const counts = { writes: 0, reads: 0, promises: 0, ticks: 0, microtasks: 0, immediates: 0, timers: 0 };
  const kinds: Readonly<Record<string, keyof typeof counts>> = {
    PROMISE: 'promises',
    TickObject: 'ticks',
    Microtask: 'microtasks',
    Immediate: 'immediates',
    Timeout: 'timers',
  };
  const handles = new Map<number, TcpHandle>();
  createHook({
    init(id, type, _trigger, resource) {
      const kind = kinds[type];
      if (kind !== undefined) counts[kind]++;
      else if (type === 'TCPWRAP') {
        handles.set(id, resource as TcpHandle);
        watchWrites(resource as TcpHandle, () => counts.writes++);
      }
    },
    before(id) {
      if (handles.has(id)) counts.reads++;
    },
  }).enable();
  return () => ({ ...counts, wireBytes: [...handles.values()].reduce((sum, handle) => sum + handle.bytesWritten, 0) });
}

function watchWrites(handle: TcpHandle, onWrite: () => void): void {
  for (const name of WRITES) {
    const write = handle[name] as (...args: unknown[]) => unknown;
    handle[name] = function (this: TcpHandle, ...args: unknown[]): unknown {
      onWrite();
      return write.apply(this, args);
    };
  }
}
