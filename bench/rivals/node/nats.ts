/**
 * NATS request and reply (@nats-io/transport-node) through one nats-server, which the serving process starts for itself.
 *
 * The broker runs on the server's core, and its CPU time counts as the server's: a call passes it twice, and with two cores it
 * has to share one of them. At its best: the broker without clustering or JetStream, subscriptions by callback, and requests
 * published with a subject of one inbox to reply to: `request` does the same with a timer and an iterator for each call. The record in
 * Avro by avsc. No stream: without JetStream a slow reader loses messages.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesWorkload } from '../../bytes.js';
import { canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalPackage } from '../rival-package.js';
import { bytesPacking, type Packing, recordPacking } from './avro-codec.js';

interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  respond(data: Uint8Array): boolean;
}

interface Connection {
  subscribe(subject: string, options: { callback(error: Error | null, message: Message): void }): void;
  publish(subject: string, data: Uint8Array, options: { readonly reply: string }): void;
  flush(): Promise<void>;
}

interface Nats {
  readonly connect: (options: { readonly servers: string }) => Promise<Connection>;
  readonly createInbox: () => string;
}

const BROKER = 'nats-server';
const SUBJECT = 'echo';
const START_MS_MAX = 10_000;
const US_PER_CLOCK_TICK = 10_000;

async function startBroker(): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nats-'));
  const broker = spawn(BROKER, ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder], { stdio: 'ignore' });
  let failure: Error | null = null;
  broker.once('error', (error) => (failure = error));
  broker.once('exit', (code) => (failure ??= new Error(`nats-server ended with exit code ${code}`)));
  process.once('exit', () => {
    broker.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 20) {
    if (failure !== null) throw failure as Error;
    const file = readdirSync(folder).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    const port = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return { process: broker, port: Number(port) };
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  throw new Error(`nats-server did not listen within ${START_MS_MAX} ms`);
}

/** User and system time of a process in clock ticks of 10 ms, as Linux tells it. */
function cpuUsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * US_PER_CLOCK_TICK;
}

const loadNats = (): Promise<Nats> => rivalPackage<Nats>('@nats-io/transport-node');

async function connected(port: number): Promise<Connection> {
  return (await loadNats()).connect({ servers: `127.0.0.1:${port}` });
}

const asBuffer = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function echo<M>(
  workload: Workload<M>,
  packing: () => Packing<M>,
  look: (handled: Handled, message: M) => void,
): Contender<M> {
  return {
    workload,

    async serve() {
      const { process: broker, port } = await startBroker();
      const connection = await connected(port);
      const { pack, unpack } = packing();
      const handled = new Handled();
      connection.subscribe(SUBJECT, {
        callback(error, message) {
          if (error !== null) throw error;
          const request = unpack(asBuffer(message.data));
          look(handled, request);
          message.respond(pack(request));
        },
      });
      await connection.flush();
      return { ...handled.served(port), otherCpuUs: () => cpuUsOf(broker.pid ?? 0) };
    },

    async dial(port) {
      const connection = await connected(port);
      const { pack, unpack } = packing();
      const inbox = `${(await loadNats()).createInbox()}.`;
      const waiting = new Map<string, (message: M) => void>();
      connection.subscribe(`${inbox}*`, {
        callback(error, { subject, data }) {
          const resolve = waiting.get(subject);
          if (error !== null || resolve === undefined)
            throw error ?? new Error(`an answer to ${subject}, where nobody waits`);
          waiting.delete(subject);
          resolve(unpack(asBuffer(data)));
        },
      });
      let last = 0;
      return (message) =>
        new Promise((resolve) => {
          const reply = inbox + ++last;
          waiting.set(reply, resolve);
          connection.publish(SUBJECT, pack(message), { reply });
        });
    },
  };
}

function brokerVersion(): string {
  try {
    return execFileSync(BROKER, ['--version'], { encoding: 'utf8' }).trim().replace(': v', ' ');
  } catch {
    throw new Error('nats-server is not installed: npm run bench:setup');
  }
}

export const natsRival: NodeRival = {
  versions: () => `${packageVersions(['@nats-io/transport-node'])}, ${brokerVersion()}, plain avsc`,
  unary: echo(canonicalWorkload, recordPacking, (handled, record) => handled.record(record)),
  blob: echo(
    bytesWorkload,
    () => bytesPacking,
    (handled, bytes) => handled.block(bytes),
  ),
};
