/**
 * Several server processes on one port by `node:cluster`: this process accepts and hands each connection to the next worker, and the
 * workers serve. Each worker is asked for its counters.
 */
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';

export interface WorkerReport {
  readonly done: number;
  readonly cpuUs: number;
}

export class Workers {
  private readonly workers: readonly Worker[];

  constructor(count: number, workUs: number) {
    const exec = fileURLToPath(new URL('worker.js', import.meta.url));
    cluster.setupPrimary({ exec, args: [String(workUs)] });
    this.workers = Array.from({ length: count }, () => cluster.fork());
  }

  /** Resolves with the port once all of them listen. */
  async listening(): Promise<number> {
    const ports = await Promise.all(
      this.workers.map(
        (worker) =>
          new Promise<number>((resolve, reject) => {
            worker.once('listening', ({ port }) => resolve(port));
            worker.once('exit', (code) => reject(new Error(`a worker ended with ${code} before it listened`)));
          }),
      ),
    );
    return ports[0] as number;
  }

  /** The counters of all workers, added up. */
  async report(): Promise<WorkerReport> {
    const reports = await Promise.all(this.workers.map(ask));
    return {
      done: reports.reduce((sum, { done }) => sum + done, 0),
      cpuUs: reports.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
    };
  }
}

function ask(worker: Worker): Promise<WorkerReport> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.send('report');
  });
}
