/**
 * Hostile cases by number: case `n` of a seed is always the same one, so a failure is repeated by two numbers. Valid sessions are
 * made once a seed; a case takes one, damages it, cuts it into chunks and puts events between them, or it is a conversation with
 * damaged messages.
 */
import { Random } from '../support/seed.js';
import { Conversation, Phrases } from './conversation.js';
import { type Act, acts, type HostileCase, type Setting, type Step } from './hostile-case.js';
import { cutStream, mutateFrames } from './mutator.js';
import { makeSession, type Session } from './session-streams.js';

/** One case in this many is a damaged session, the others are conversations. */
const SESSIONS_ONE_IN = 4;
/** Sessions of each side. */
const SESSIONS = 400;

export class MutationCases {
  /** Damaged streams and damaged messages so far, over all cases that were run. */
  mutations = 0;
  private readonly sessions: readonly Session[];
  private readonly phrases: Phrases;

  constructor(readonly seed: number) {
    const random = new Random(seed);
    this.sessions = Array.from({ length: 2 * SESSIONS }, (_, index) =>
      makeSession(index % 2 === 0 ? 'accepting' : 'dialing', random),
    );
    this.phrases = new Phrases(random);
  }

  at(index: number): HostileCase {
    const random = new Random(Math.imul(index + 1, 0x9e37_79b1) ^ this.seed);
    const setting: Setting = random.pick(['usual', 'usual', 'wide', 'tight']);
    if (!random.oneIn(SESSIONS_ONE_IN)) {
      const side = random.pick(['dialing', 'accepting'] as const);
      const conversation = new Conversation(side, this.phrases, random, () => this.mutations++);
      return { side, setting, calls: [], steps: (view) => conversation.steps(view) };
    }
    this.mutations++;
    const session = random.pick(this.sessions);
    const frames = [...session.frames];
    mutateFrames(frames, random.pick(this.sessions).frames, random);
    return { side: session.side, setting, calls: session.calls, steps: withActs(cutStream(frames, random), random) };
  }

  /** A session as it was made. */
  untouched(index: number): Session {
    return this.sessions[index % this.sessions.length] as Session;
  }

  get count(): number {
    return this.sessions.length;
  }
}

/** In half of the cases something happens between the chunks. */
function withActs(chunks: readonly Buffer[], random: Random): readonly Step[] {
  if (random.oneIn(2)) return chunks;
  const steps: Step[] = [];
  for (const chunk of chunks) {
    steps.push(chunk);
    if (random.oneIn(1 + (chunks.length >> 2))) steps.push(random.pick<Act>(acts));
  }
  return steps;
}
