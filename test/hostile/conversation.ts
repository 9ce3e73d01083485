/**
 * A hostile peer that knows the state of the connection it attacks: it opens calls in slots that are free, answers calls that are
 * open, cancels what runs, and damages most of it. So a connection goes through many calls before it ends, where a damaged
 * session mostly ends it at once. Messages are made once and get their call numbers when they are sent.
 */
import { callNumber, frame, magic } from '../support/frames.js';
import { writeRecord } from '../support/records.js';
import type { Random } from '../support/seed.js';
import { type Act, acts, type ConnectionView, type Step } from './hostile-case.js';
import { noteOfAnotherVersion } from './methods.js';
import { cutStream, mutateFrames, mutateGently } from './mutator.js';
import { declared, PeerMessages, sendsItems } from './peer-messages.js';
import type { PlannedCall, Side } from './session-streams.js';

/** Messages of each kind that are made. */
const KINDS_OF_ONE = 40;
/** Most messages of one conversation. */
const MESSAGES_MAX = 80;
/** Slots that the peer uses. */
const SLOTS = 12;

type Message = readonly Buffer[];

/** Messages without their call numbers. */
export class Phrases {
  readonly hello: readonly Buffer[];
  readonly declarations: readonly Buffer[];
  readonly requests: readonly Message[];
  readonly responses: Readonly<Record<string, readonly Message[]>>;
  readonly failures: readonly Message[];
  readonly cancels: readonly Message[];
  /** The frames of a caller after the REQUEST of a stream. */
  readonly streams: readonly Message[];
  readonly others: readonly Message[];

  constructor(random: Random) {
    const messages = new PeerMessages(random, null);
    const several = <T>(make: () => T): T[] => Array.from({ length: KINDS_OF_ONE }, make);
    this.hello = several(() => Buffer.concat([magic, messages.hello()]));
    this.declarations = declared.map((name) => messages.declare(name));
    this.requests = declared.flatMap((name) => several(() => messages.request(name, 0)));
    const answer = (name: (typeof declared)[number]): Message => {
      const { caller, callee } = sendsItems(name);
      if (caller && random.oneIn(3)) return [messages.credit(0)];
      if (!callee) return messages.response(0, name, random.oneIn(4));
      return random.oneIn(3)
        ? [messages.end(0, true, random.oneIn(4))]
        : messages.item(0, name, 'callee', random.oneIn(2));
    };
    this.responses = Object.fromEntries(declared.map((name) => [name, several(() => answer(name))]));
    this.streams = several(() => {
      const part = random.below(6);
      if (part === 0) return [messages.end(0, false)];
      return part === 1 ? [messages.credit(0)] : messages.item(0, random.oneIn(2) ? 'up' : 'talk', 'caller');
    });
    this.failures = several(() => [messages.failure(0, 'fail')]);
    this.cancels = [1, 4].map((code) => [frame('CANCEL', { payload: writeRecord('CANCEL', { code, text: '' }) })]);
    this.others = [
      messages.schema(noteOfAnotherVersion),
      [frame('SCHEMA', { payload: writeRecord('SCHEMA', { fingerprint: fingerprintOfNote(messages), schema: null }) })],
      [frame('PING', { payload: '12345678' })],
      [frame('PONG', { payload: Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]) })],
      [frame('DRAIN', { payload: writeRecord('DRAIN', { text: '', graceMs: 10 }) })],
      [frame(200, { payload: 'what is this?' })],
    ];
  }
}

function fingerprintOfNote(messages: PeerMessages): Buffer {
  // METHOD: role, name, kind, branch, and then the request's fingerprint.
  const declaration = messages.declare('note');
  const at = declaration.indexOf('h.S/note') + 'h.S/note'.length + 2;
  return declaration.subarray(at, at + 32);
}

export class Conversation {
  constructor(
    private readonly side: Side,
    private readonly phrases: Phrases,
    private readonly random: Random,
    /** Told of each damaged message. */
    private readonly onMutation: () => void,
  ) {}

  /** What to do, step by step, in view of the connection. */
  *steps(view: ConnectionView): Generator<Step> {
    const { random, phrases } = this;
    yield Buffer.concat([random.pick(phrases.hello), ...phrases.declarations]);
    for (let count = 0; count < MESSAGES_MAX && !view.over; count++) {
      if (random.oneIn(4)) yield this.planCall();
      if (random.oneIn(12)) yield random.pick<Act>(harmless);
      if (random.oneIn(150)) yield random.pick<Act>(acts);
      const frames = this.message(view);
      if (!random.oneIn(5)) {
        const mutate = random.oneIn(8) ? mutateFrames : mutateGently;
        mutate(frames, random.pick(phrases.requests), random);
        this.onMutation();
      }
      if (frames.length === 0) continue;
      if (random.oneIn(8)) yield* cutStream(frames, random);
      else yield frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
    }
  }

  private planCall(): PlannedCall {
    const { random } = this;
    const plain = ['bytes', 'note', 'fail', 'hit'] as const;
    const method = random.pick(
      random.oneIn(2) ? plain : (['down', 'list', 'up', 'notes', 'chat', 'talk', 'file', 'paper'] as const),
    );
    const how = random.pick(['plain', 'plain', 'plain', 'detailed', 'metadata', 'signal'] as const);
    const bytes = random.oneIn(80) ? 40_000 : random.below(60);
    return { method, bytes, how, deadlineMs: random.pick([Number.POSITIVE_INFINITY, 30_000, 20]) };
  }

  private message(view: ConnectionView): Buffer[] {
    const { random, phrases } = this;
    const open = view.ownCalls();
    const kind = random.below(16);
    if (kind < 5 && open.length > 0) {
      const { call, method } = random.pick(open);
      if (kind === 0) return numbered(random.pick(phrases.failures), call);
      return numbered(random.pick(phrases.responses[method] ?? phrases.failures), call);
    }
    const slot = random.below(SLOTS);
    const { generation, free, streams } = view.slot(slot);
    if (generation > 0 && (streams ? kind > 6 : kind === 13 && random.oneIn(4)))
      return numbered(random.pick(phrases.streams), this.number(slot, generation));
    if (generation > 0 && (kind === 14 || (!free && kind > 6)))
      return numbered(random.pick(phrases.cancels), this.number(slot, generation));
    if (kind === 15 && random.oneIn(3)) return [...random.pick(phrases.others)];
    return numbered(random.pick(phrases.requests), this.number(slot, free ? generation + 1 : generation));
  }

  private number(slot: number, generation: number): number {
    return callNumber(slot, generation > 0x7fff ? 1 : generation, this.side === 'dialing' ? 'acceptor' : 'dialler');
  }
}

const harmless: readonly Act[] = ['turn', 'wait 1', 'wait 50', 'handlers end', 'stop reading', 'read on'];

/** A copy of the message for this call. */
function numbered(message: Message, call: number): Buffer[] {
  return message.map((bytes) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(call, 4);
    return copy;
  });
}
