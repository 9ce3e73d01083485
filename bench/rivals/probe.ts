/** Which rivals run on this machine: each is asked for its versions, and one that cannot report them is skipped with the reason. */
import { execFile } from 'node:child_process';
import { lastLine } from './line-process.js';
import type { Rival } from './rival.js';

export interface PresentRival extends Rival {
  readonly version: string;
}

export interface SkippedRival {
  readonly name: string;
  readonly why: string;
}

export interface Probed {
  readonly rivals: readonly PresentRival[];
  readonly skipped: readonly SkippedRival[];
}

const PROBE_MS_MAX = 20_000;

export async function probe(rivals: readonly Rival[]): Promise<Probed> {
  const present: PresentRival[] = [];
  const skipped: SkippedRival[] = [];
  for (const rival of rivals) {
    const answer = await versionOf(rival);
    if ('version' in answer) present.push({ ...rival, version: answer.version });
    else skipped.push({ name: rival.name, why: answer.why });
  }
  return { rivals: present, skipped };
}

function versionOf({ command, absence }: Rival): Promise<{ readonly version: string } | { readonly why: string }> {
  const [file, ...args] = [...command, 'version'];
  return new Promise((resolve) => {
    execFile(file as string, args, { timeout: PROBE_MS_MAX }, (error, output, errors) => {
      const version = output.trim();
      if (error === null && version !== '') resolve({ version });
      else resolve({ why: reasonOf(error, errors, absence) });
    });
  });
}

function reasonOf(error: Error | null, errors: string, absence: string): string {
  const said = lastLine(errors).replace(/^: (?:Error: )?/, '');
  if (said !== '') return said;
  if (error !== null && 'code' in error && error.code === 'ENOENT') return absence;
  return error === null ? 'it does not say its version' : (error.message.split('\n')[0] ?? '');
}
