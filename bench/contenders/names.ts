/** Contenders by the names that results use. A process loads only the one that it runs, so that they do not share a heap. */
import type { Contender } from './contender.js';

const loaders = {
  engine: async () => (await import('./engine.js')).engine,
  'engine-polling': async () => (await import('./engine-polling.js')).enginePolling,
  'engine-checksums-twin': async () => (await import('./engine-checksums.js')).checksumsByTwin(),
  'engine-checksums-addon': async () => (await import('./engine-checksums.js')).checksumsByAddon(),
  'engine-connection': async () => (await import('./engine-connection.js')).engineConnection,
  'engine-unguarded': async () => (await import('./engine-unguarded.js')).engineUnguarded,
  floor: async () => (await import('../floor/program.js')).floor,
  'avsc-rpc': async () => (await import('./avsc-rpc.js')).avscRpc,
  'avsc-rpc-corked': async () => (await import('./avsc-rpc.js')).avscRpcCorked,
  'raw-echo': async () => (await import('./raw-echo.js')).rawEcho,
  'engine-bytes': async () => (await import('./engine-bytes.js')).engineBytes,
  'engine-blob': async () => (await import('./engine-blob.js')).engineBlob,
  'framed-echo': async () => (await import('./framed-echo.js')).framedEcho,
} satisfies Record<string, () => Promise<Contender | Contender<Buffer>>>;

export type ContenderName = keyof typeof loaders;

/** As tables show them. */
export const titles: Readonly<Record<ContenderName, string>> = {
  engine: 'engine',
  'engine-polling': 'engine, busy polling',
  'engine-checksums-twin': 'checksums, twin',
  'engine-checksums-addon': 'checksums, addon',
  'engine-connection': 'engine, bare connection',
  'engine-unguarded': 'engine without guards',
  floor: 'floor',
  'avsc-rpc': 'avsc RPC',
  'avsc-rpc-corked': 'avsc RPC, corked',
  'raw-echo': 'raw node:net',
  'engine-bytes': 'engine, raw unary',
  'engine-blob': 'engine, blob lane',
  'framed-echo': 'framed echo',
};

/** Whoever runs one gives its own workload's messages to it, so their type does not matter. */
export function loadContender(name: ContenderName): Promise<Contender<unknown>> {
  return loaders[name]() as Promise<Contender<unknown>>;
}

export const contenderNames = Object.keys(loaders) as readonly ContenderName[];
