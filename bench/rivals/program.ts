/**
 * The line protocol of `line-process.ts` in front of a rival that runs in Node: `program.js NAME serve unary`. Loads this rival
 * only, so that no other's code shares its heap.
 */
import { createInterface } from 'node:readline';
import type { Contender } from '../contenders/contender.js';
import { Load } from '../load.js';
import type { CountMark } from '../measure.js';
import type { Counts } from '../process/marks.js';
import { ItemCheck } from '../stream/item-check.js';
import type { StreamProgram } from '../stream/program.js';
import { loadNodeRival } from './node-rivals.js';
import type { NodeRival } from './rival.js';

interface Side {
  readonly port: number;
  count(): Counts;
  otherCpuUs(): number;
}

async function main([name, mode, workload, inFlight, port]: readonly (string | undefined)[]): Promise<void> {
  const rival = await loadNodeRival(name ?? '');
  if (mode === 'version') {
    console.log(rival.versions());
    process.exit(0);
  }
  const program = programOf(rival, workload ?? '');
  let side: Side;
  if (mode === 'serve') side = await serve(program);
  else if (mode === 'drive') side = await drive(program, Number(inFlight), Number(port));
  else throw new Error(`the mode is serve, drive or version, not ${mode}`);
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line === 'mark') say({ mark: markOf(side) });
      if (line === 'stop') process.exit(0);
    })
    .on('close', () => process.exit(0));
  say({ ready: { port: side.port } });
}

function programOf(rival: NodeRival, workload: string): Contender<unknown> | StreamProgram {
  const program = workload === 'unary' || workload === 'blob' || workload === 'stream' ? rival[workload] : undefined;
  if (program === undefined) throw new Error(`this rival does not do ${workload}`);
  // Each contender is given its own workload's messages, so their type does not matter here.
  return program as Contender<unknown> | StreamProgram;
}

async function serve(program: Contender<unknown> | StreamProgram): Promise<Side> {
  const { port, calls, wrong = () => 0, otherCpuUs = () => 0 } = await program.serve('sync');
  return { port, otherCpuUs, count: () => ({ done: calls(), wrong: wrong(), failed: 0, failure: '' }) };
}

async function drive(program: Contender<unknown> | StreamProgram, inFlight: number, port: number): Promise<Side> {
  const otherCpuUs = (): number => 0;
  if ('consume' in program) {
    const check = new ItemCheck();
    await program.consume(port, check);
    return { port, otherCpuUs, count: () => check.counts() };
  }
  const load = new Load(program.workload, await program.dial(port));
  void load.run(inFlight);
  return {
    port,
    otherCpuUs,
    count: () => load.counts(),
  };
}

function markOf(side: Side): CountMark {
  const { done, wrong, failed, failure } = side.count();
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), cpuUs: user + system + side.otherCpuUs(), done, wrong, failed, failure };
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

await main(process.argv.slice(2));
