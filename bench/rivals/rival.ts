/** What `bench -- rivals` compares. A rival is a program that speaks the line protocol of `line-process.ts`, in any language. */
import type { Contender } from '../contenders/contender.js';
import type { StreamProgram } from '../stream/program.js';

/** `unary`: the canonical record, echoed. `blob`: 64 KiB, echoed. `stream`: an endless server stream of canonical records. */
export const workloadNames = ['unary', 'blob', 'stream'] as const;
export type WorkloadName = (typeof workloadNames)[number];

export interface Rival {
  /** As options and results have it. */
  readonly name: string;
  /** As tables have it. */
  readonly title: string;
  readonly language: string;
  /** Not usable as it is: a measure of the least that has to be done. */
  readonly floor: boolean;
  /** How it was set up to be at its best, in a sentence; its file says more. */
  readonly setup: string;
  readonly workloads: readonly WorkloadName[];
  /** The program and the arguments in front of the protocol's. */
  readonly command: readonly string[];
  /** Why the program may not be there, and how to get it. */
  readonly absence: string;
}

/** A rival that runs in Node: any load can drive its contenders, `program.ts` puts them behind the line protocol. */
export interface NodeRival {
  /** Versions of what it uses. Fails when something is not there. */
  versions(): string;
  readonly unary?: Contender | Contender<Buffer>;
  readonly blob?: Contender<Buffer>;
  readonly stream?: StreamProgram;
}
