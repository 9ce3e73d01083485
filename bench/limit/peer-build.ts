/** Builds the C program of `native/peer`, which is the load of `bench -- limit`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../../native/peer', import.meta.url));
const program = fileURLToPath(new URL('../../../native/build/peer/peer', import.meta.url));

/** The program, or why there is none here. */
export type Built = { readonly path: string } | { readonly reason: string };

/** Throws, with the compiler's output, when there is a compiler and the program does not build. */
export function buildLoad(): Built {
  if (process.platform !== 'linux') return { reason: 'the C peer needs the epoll of Linux' };
  for (const tool of ['make', 'cc']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0) {
      return { reason: `there is no ${tool} to build the C peer with (Debian: gcc libc6-dev make)` };
    }
  }
  const { status, stderr } = spawnSync('make', ['-s', '-j2', '-C', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the C peer does not build: ${stderr}`);
  return { path: program };
}
