/** Where and on what a run was made; printed above every result and kept in the raw results. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Environment {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Mean number of processes that wanted a core in the minute before the run: above 0.1 the machine was not quiet. */
  readonly loadAverage: number;
  readonly node: string;
  readonly v8: string;
  readonly avsc: string;
  /** Of the sources, with `+` when files were changed after it; empty without git. */
  readonly commit: string;
  readonly pinning: string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

export function describeEnvironment(pinning: string): Environment {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${platform()} ${release()} ${arch()}`,
    loadAverage: loadavg()[0] ?? 0,
    node: process.versions.node,
    v8: process.versions.v8,
    avsc: versionOf('avsc'),
    commit: commit(),
    pinning,
  };
}

export function environmentText(environment: Environment): string {
  const { date, cpu, cores, system, node, v8, avsc, loadAverage } = environment;
  return [
    `${date}, commit ${environment.commit || 'unknown'}`,
    `${cpu}, ${cores} cores, ${Math.round(environment.memoryBytes / 2 ** 30)} GiB, ${system}, load ${loadAverage.toFixed(2)}`,
    `Node ${node}, V8 ${v8}, avsc ${avsc}; ${environment.pinning}`,
  ].join('\n');
}

/** What everything that is only Node and avsc runs on. */
export function environmentVersions(): string {
  return `Node ${process.versions.node}, avsc ${versionOf('avsc')}`;
}

function versionOf(name: string): string {
  try {
    const text = readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8');
    return (JSON.parse(text) as { readonly version: string }).version;
  } catch {
    return 'unknown';
  }
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'bench') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? '+' : '');
  } catch {
    return '';
  }
}
