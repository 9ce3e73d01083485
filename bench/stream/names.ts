/** The programs of `bench -- stream` by the names that results use. A process loads only the one it runs. */
import type { StreamProgram } from './program.js';

const loaders = {
  floor: async () => (await import('../floor/stream-program.js')).floorStream,
  batches: async () => (await import('./engine.js')).engineStream('batches', 'generator'),
  'batches-async': async () => (await import('./engine.js')).engineStream('batches', 'async-generator'),
  'for-await': async () => (await import('./engine.js')).engineStream('for-await', 'generator'),
  'for-await-async': async () => (await import('./engine.js')).engineStream('for-await', 'async-generator'),
} satisfies Record<string, () => Promise<StreamProgram>>;

export type StreamProgramName = keyof typeof loaders;

/** As tables show them: how the client reads, and what the handler is. */
export const streamTitles: Readonly<Record<StreamProgramName, string>> = {
  floor: 'floor',
  batches: 'engine: batches(), generator',
  'batches-async': 'engine: batches(), async generator',
  'for-await': 'engine: for await, generator',
  'for-await-async': 'engine: for await, async generator',
};

export function loadStreamProgram(name: StreamProgramName): Promise<StreamProgram> {
  return loaders[name]();
}

export const streamProgramNames = Object.keys(loaders) as readonly StreamProgramName[];
