/**
 * Whole sessions as a well-behaved peer would send them, made at random: what the connection under test reads when nothing is
 * wrong. Mutations start from these bytes. Each session also says which calls the connection makes itself before it reads,
 * so that the peer's answers meet open calls.
 */
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { callNumber, frame, magic } from '../support/frames.js';
import { writeRecord } from '../support/records.js';
import type { Random } from '../support/seed.js';
import { Hostile, type MethodName, noteOfAnotherVersion, noteThatBreaks } from './methods.js';
import { declared, PeerMessages, sendsItems } from './peer-messages.js';

export type Side = 'dialing' | 'accepting';

/** A call that the connection makes, and how. */
export interface PlannedCall {
  readonly method: MethodName;
  readonly bytes: number;
  readonly how: 'plain' | 'detailed' | 'metadata' | 'signal';
  readonly deadlineMs: number;
}

/** What its caller must get in the undamaged session; `none`: the session does not determine it. */
export type Planned = 'value' | 'failure' | 'none';

export interface Session {
  /** The role of the connection under test. */
  readonly side: Side;
  readonly calls: readonly PlannedCall[];
  /** One a call. */
  readonly outcomes: readonly Planned[];
  /** The preface, and then a frame each. */
  readonly frames: readonly Buffer[];
  /** It ends with CLOSE. */
  readonly closes: boolean;
}

/** Short sessions make many runs: what a long one can hold is found by mixing. */
const CALLS_MAX = 4;
/** The biggest request of the connection, so that some are cut in frames. */
const BYTES_MAX = 40_000;

export function makeSession(side: Side, random: Random): Session {
  return new SessionWriter(side, random).write();
}

type Message = readonly Buffer[];

class SessionWriter {
  /** Messages whose frames may be interleaved; each keeps its own order. */
  private readonly lanes: Message[] = [];
  private slot = 0;
  private readonly methods = new Set<MethodName>();
  private readonly evolved: MessageCodec | null;
  private readonly messages: PeerMessages;
  private readonly calls: PlannedCall[];
  private readonly outcomes: Planned[] = [];

  constructor(
    private readonly side: Side,
    private readonly random: Random,
  ) {
    this.evolved = random.oneIn(4) ? random.pick([noteOfAnotherVersion, noteThatBreaks]) : null;
    this.messages = new PeerMessages(random, this.evolved);
    this.calls = Array.from({ length: random.between(0, CALLS_MAX) }, () => this.planCall());
  }

  write(): Session {
    const { random, side, calls, outcomes } = this;
    const first = [magic, this.messages.hello()];
    for (let count = random.between(1, 4); count > 0; count--) this.addCall(random.pick(declared));
    this.addAnswers();
    if (random.oneIn(3)) this.addPings();
    if (random.oneIn(4)) this.lanes.push([frame(random.between(128, 255), { payload: random.bytes(random.below(9)) })]);
    const declarations = [...this.methods].map((name) => this.messages.declare(name));
    const last: Buffer[] = [];
    if (random.oneIn(6)) last.push(frame('DRAIN', { payload: writeRecord('DRAIN', { text: 'bye', graceMs: 1_000 }) }));
    const closes = random.oneIn(8);
    if (closes) last.push(frame('CLOSE', { payload: writeRecord('CLOSE', { code: 0, text: '' }) }));
    return { side, calls, outcomes, closes, frames: [...first, ...declarations, ...this.mixed(), ...last] };
  }

  private planCall(): PlannedCall {
    const { random } = this;
    const how = random.pick(['plain', 'plain', 'detailed', 'metadata', 'signal'] as const);
    const plain = ['bytes', 'bytes', 'note', 'fail', 'hit'] as const;
    const method = random.pick(
      random.oneIn(2) ? plain : (['down', 'list', 'up', 'notes', 'chat', 'talk', 'file', 'paper'] as const),
    );
    // A ONEWAY request that fits one frame frees its slot at once, so that the numbers of the calls behind it are known.
    const bytes = method !== 'hit' && random.oneIn(40) ? random.between(16_000, BYTES_MAX) : random.below(100);
    return { method, bytes, how, deadlineMs: random.pick([Number.POSITIVE_INFINITY, 30_000, 30_000, 20]) };
  }

  /** A call of the peer, and what it sends for it afterwards. */
  private addCall(name: MethodName): void {
    const { random, side } = this;
    if (!this.methods.has(name)) {
      this.methods.add(name);
      if (name === 'note' && this.evolved !== null) this.lanes.push(this.messages.schema(this.evolved));
    }
    const opener = side === 'dialing' ? 'acceptor' : 'dialler';
    const slot = this.slot++;
    const ends = name === 'bytes' || name === 'fail' || name === 'hit';
    const lane: Buffer[] = [];
    // A slot is used again only where its call has surely ended.
    for (let generation = 1; generation <= (ends && random.oneIn(3) ? 3 : 1); generation++) {
      lane.push(...this.messages.request(name, callNumber(slot, generation, opener)));
    }
    const { caller, callee } = sendsItems(name);
    const number = callNumber(slot, 1, opener);
    // A callee may end before its caller has.
    for (let count = caller ? random.below(6) : 0; count > 0; count--) {
      lane.push(...this.messages.item(number, name, 'caller'));
    }
    if (callee && random.oneIn(2)) lane.push(this.messages.credit(number));
    const last = random.below(4);
    if (caller && last < 2) lane.push(this.messages.end(number, false));
    if (caller && last === 2) lane.push(this.cancel(number));
    if (lane.length === 1 && random.oneIn(4) && name !== 'hit' && name !== 'work') {
      lane.push(this.cancel(number));
    }
    this.lanes.push(lane);
  }

  private cancel(call: number): Buffer {
    return frame('CANCEL', {
      call,
      payload: writeRecord('CANCEL', { code: this.random.pick([1, 4]), text: 'no more' }),
    });
  }

  /** What the peer says to the calls of the connection under test. */
  private addAnswers(): void {
    const { random, calls, side, evolved } = this;
    const opener = side === 'dialing' ? 'dialler' : 'acceptor';
    // The connection gives its methods numbers in the order of their first calls.
    const numbers = [...new Set(calls.map((call) => call.method))];
    const notes = numbers.indexOf('note');
    let lane: Buffer[] = [];
    if (notes >= 0 && evolved !== null) {
      const { fingerprint } = evolved;
      const spec = Hostile.methods.note;
      const record = {
        role: 'ANSWER',
        name: spec.name,
        kind: 'UNARY',
        request: fingerprint,
        response: fingerprint,
        errors: null,
      } as const;
      lane = [frame('METHOD', { method: notes, payload: writeRecord('METHOD', record) })];
      // The peer calls that method too: its schema is asked for and given once.
      if (!this.methods.has('note')) lane.push(...this.messages.schema(evolved));
    }
    let slot = 0;
    let generation = 1;
    for (const call of calls) {
      const number = callNumber(slot, generation, opener);
      if (call.method === 'hit') {
        this.outcomes.push('none');
        generation++;
        continue;
      }
      slot++;
      generation = 1;
      this.outcomes.push(random.oneIn(4) ? 'none' : this.answer(call, number, lane));
    }
    this.lanes.push(lane);
  }

  private answer(call: PlannedCall, number: number, lane: Buffer[]): Planned {
    const { random, evolved, messages } = this;
    if (call.deadlineMs < 1_000) return 'none';
    if (random.oneIn(4)) {
      lane.push(messages.failure(number, call.method));
      return 'failure';
    }
    const { caller, callee } = sendsItems(call.method);
    if (caller && random.oneIn(2)) lane.push(messages.credit(number));
    const blob = call.method === 'file' || call.method === 'paper';
    if (blob) lane.push(...messages.item(number, call.method, 'callee', true));
    for (let count = callee ? random.below(6) : 0; count > 0; count--) {
      lane.push(...messages.item(number, call.method, 'callee'));
    }
    if (callee) {
      lane.push(messages.end(number, true, call.how === 'detailed'));
      return 'value';
    }
    lane.push(...messages.response(number, call.method, call.how === 'detailed'));
    return call.method === 'note' && evolved === noteThatBreaks ? 'failure' : 'value';
  }

  private addPings(): void {
    this.lanes.push(Array.from({ length: this.random.between(1, 3) }, () => frame('PING', { payload: '12345678' })));
  }

  /** All lanes, shuffled into each other. SCHEMA messages are not mixed with each other: there is at most one. */
  private mixed(): Buffer[] {
    const { random } = this;
    const rest = this.lanes.map((lane) => [...lane]).filter((lane) => lane.length > 0);
    const frames: Buffer[] = [];
    while (rest.length > 0) {
      const index = random.below(rest.length);
      const lane = rest[index] as Buffer[];
      frames.push(lane.shift() as Buffer);
      if (lane.length === 0) rest.splice(index, 1);
    }
    return frames;
  }
}
