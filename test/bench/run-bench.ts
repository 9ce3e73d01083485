/** Starts the compiled bench as a user would, and waits for its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  /** Both streams together. */
  readonly output: string;
}

export function startBench(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): ChildProcess {
  return spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
}

export async function runBench(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Ended> {
  const bench = startBench(args, environment);
  let output = '';
  bench.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  bench.stderr?.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((resolve) => bench.once('close', resolve));
  return { code, output };
}
