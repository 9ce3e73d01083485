/**
 * A closed loop: a number of callers, each of which makes its next call when its last one was answered. Runs in the client process.
 * Counts answers, and what is wrong: an unexpected answer, or a call that failed.
 */

import type { Counts } from './process/marks.js';

/** Every so many answers of a caller, one is compared in full. */
const CALLS_PER_FULL_CHECK = 1024;

/** What is sent and what must come back. */
export interface Workload<Message> {
  /** The message of caller `id`, for its next call. */
  make(id: number): Message;
  /** What is looked at in each answer. It costs the same for everyone, and little. */
  looksRight(answer: Message, id: number): boolean;
  /** What is looked at now and then: every part. */
  isRight(answer: Message, id: number): boolean;
}

export class Load<Message> {
  /** Calls answered. */
  done = 0;
  /** Answers that were not the expected ones. */
  wrong = 0;
  /** Calls that failed; a caller stops at its first. */
  failed = 0;
  /** The first failure's text, empty while there is none. */
  failure = '';
  /** `onTarget` runs when `done` gets here. */
  target = Infinity;
  onTarget: () => void = () => {};
  private stopped = false;

  constructor(
    private readonly workload: Workload<Message>,
    private readonly call: (message: Message) => Promise<Message>,
  ) {}

  /** Resolves when all callers have stopped. */
  async run(callers: number): Promise<void> {
    await Promise.all(Array.from({ length: callers }, (_, id) => this.caller(id)));
  }

  counts(): Counts {
    const { done, wrong, failed, failure } = this;
    return { done, wrong, failed, failure };
  }

  /** Each caller makes no more calls after the one it waits for. */
  stop(): void {
    this.stopped = true;
  }

  private async caller(id: number): Promise<void> {
    const { call, workload } = this;
    try {
      for (let calls = 0; !this.stopped; calls++) {
        const answer = await call(workload.make(id));
        const right =
          calls % CALLS_PER_FULL_CHECK === 0 ? workload.isRight(answer, id) : workload.looksRight(answer, id);
        if (!right) this.wrong++;
        if (++this.done === this.target) this.onTarget();
      }
    } catch (error) {
      this.failed++;
      if (this.failure === '') this.failure = String(error);
    }
  }
}
