/**
 * The workload of `blob`: bytes that come back as they are. Each caller has a block of its own, so an answer that went to the
 * wrong caller shows; the block is made once, since a program that sends bytes has them already.
 */
import type { Workload } from './load.js';

export const BLOCK_BYTES = 64 * 1024;

const blocks: Buffer[] = [];

function block(id: number): Buffer {
  blocks[id] ??= Buffer.alloc(BLOCK_BYTES, `${id}:${'0123456789'.repeat(7)}`);
  return blocks[id];
}

export const bytesWorkload: Workload<Buffer> = {
  make: block,
  looksRight(answer, id) {
    const sent = block(id);
    return answer.length === BLOCK_BYTES && answer[0] === sent[0] && answer.at(-1) === sent.at(-1);
  },
  isRight: (answer, id) => answer.equals(block(id)),
};
