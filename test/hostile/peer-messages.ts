/**
 * Single messages of a well-behaved peer, in frames, with everything that a message may have: prefixes, fragments, compression,
 * metadata, schemas of another version. Whole sessions and conversations are made of them.
 *
 * Frames come from `test/support`, which shares nothing with the code under test.
 */
import { gzipSync } from 'node:zlib';
import type { MessageCodec } from '../../src/wire/message-codec.js';
import { flags, frame, u32 } from '../support/frames.js';
import { helloRecord, writeMetadata, writeRecord } from '../support/records.js';
import type { Random } from '../support/seed.js';
import { Hostile, type MethodName, noteOfAnotherVersion, noteThatBreaks } from './methods.js';

/** The peer's method numbers. */
export const declared: readonly MethodName[] = [
  ...(['bytes', 'later', 'hang', 'fail', 'grow', 'note', 'hit', 'work'] as const),
  ...(['down', 'list', 'flow', 'up', 'notes', 'pile', 'chat', 'talk'] as const),
];

const kinds = {
  unary: 'UNARY',
  serverStream: 'SERVER_STREAM',
  clientStream: 'CLIENT_STREAM',
  duplex: 'DUPLEX',
  oneway: 'ONEWAY',
  blob: 'BLOB',
} as const;

/** Whether the caller of a method sends items, and whether its callee does. */
export function sendsItems(name: MethodName): { readonly caller: boolean; readonly callee: boolean } {
  const { kind } = Hostile.methods[name];
  return {
    caller: kind === 'clientStream' || kind === 'duplex' || kind === 'blob',
    callee: kind === 'serverStream' || kind === 'duplex' || kind === 'blob',
  };
}

export class PeerMessages {
  /** `evolved`: the peer's schema of notes, where it is not this side's. */
  constructor(
    private readonly random: Random,
    private readonly evolved: MessageCodec | null,
  ) {}

  hello(): Buffer {
    const { random } = this;
    const hello = helloRecord({
      capabilities: random.oneIn(3) ? ['com.example.x'] : [],
      compression: random.oneIn(2) ? ['gzip'] : [],
      limits: { frameBytesMax: random.pick([16_384, 65_536]), callsInFlightMax: random.pick([16, 1_000]) },
    });
    return frame('HELLO', { payload: writeRecord('HELLO', hello) });
  }

  declare(name: MethodName): Buffer {
    const spec = Hostile.methods[name];
    const codec = name === 'note' ? this.evolved : null;
    const payload = writeRecord('METHOD', {
      role: 'DECLARE',
      name: spec.name,
      kind: kinds[spec.kind],
      request: (codec ?? spec.request).fingerprint,
      response: (codec ?? spec.response).fingerprint,
      errors: spec.errors?.fingerprint ?? null,
    });
    return frame('METHOD', { method: declared.indexOf(name), payload });
  }

  request(name: MethodName, call: number): Buffer[] {
    const { random } = this;
    let bits = name === 'hit' || name === 'work' ? flags.ONEWAY : 0;
    let body = name === 'note' ? this.note() : name === 'fail' ? random.bytes(random.below(4)) : this.body();
    if (name === 'grow') body = Buffer.from([random.below(100)]);
    const { kind } = Hostile.methods[name];
    const items = kind === 'clientStream' || kind === 'duplex';
    if (items) body = Buffer.alloc(0);
    if (name === 'paper') body = this.plainNote();
    const prefix: Buffer[] = [];
    if (random.oneIn(2)) {
      bits |= flags.DEADLINE;
      prefix.push(u32(random.pick([1, 20, 1_000, 30_000, 2 ** 32 - 1])));
    }
    if (random.oneIn(8)) bits |= flags.LEDGER;
    if (random.oneIn(4)) {
      bits |= flags.METADATA;
      prefix.push(this.metadata());
    }
    if (!items && random.oneIn(60)) {
      bits |= flags.COMPRESSED;
      body = compressed(body);
    }
    return this.cut('REQUEST', call, declared.indexOf(name), bits, Buffer.concat(prefix), body);
  }

  /** `ledger`: the caller has asked for it. */
  response(call: number, name: MethodName, ledger = false): Buffer[] {
    const { random } = this;
    let bits = 0;
    let body = name === 'note' ? this.note() : this.body();
    const prefix: Buffer[] = [];
    if (ledger && !random.oneIn(3)) {
      bits |= flags.LEDGER;
      prefix.push(durations(random));
    }
    if (random.oneIn(4)) {
      bits |= flags.METADATA;
      prefix.push(this.metadata());
    }
    if (random.oneIn(60)) {
      bits |= flags.COMPRESSED;
      body = compressed(body);
    }
    return this.cut('RESPONSE', call, 0, bits, Buffer.concat(prefix), body);
  }

  /** One item of a call of this method, of its caller or its callee. `head`: the first of a blob's. */
  item(call: number, name: MethodName, from: 'caller' | 'callee', head = false): Buffer[] {
    const { random } = this;
    if (Hostile.methods[name].kind === 'blob' && !head) return [frame('ITEM', { call, payload: this.body() })];
    const asNote = name === 'talk' || name === 'paper' || name === (from === 'caller' ? 'notes' : 'list');
    const body = asNote ? this.plainNote() : this.body();
    if (random.oneIn(60)) return this.cut('ITEM', call, 0, flags.COMPRESSED, Buffer.alloc(0), compressed(body));
    return this.cut('ITEM', call, 0, 0, Buffer.alloc(0), body);
  }

  /** `answer`: it is a callee's, which may have metadata, and durations if they were asked for. */
  end(call: number, answer: boolean, ledger = false): Buffer {
    const { random } = this;
    if (!answer || random.oneIn(2)) return frame('END', { call });
    const prefix = ledger ? [durations(random)] : [];
    prefix.push(this.metadata());
    return frame('END', { call, flags: flags.METADATA | (ledger ? flags.LEDGER : 0), payload: Buffer.concat(prefix) });
  }

  credit(call: number): Buffer {
    return frame('CREDIT', { call, payload: u32(this.random.pick([1, 1_000, 65_536, 2 ** 20])) });
  }

  failure(call: number, name: MethodName): Buffer {
    const { random } = this;
    const record = writeRecord('FAILURE', {
      code: random.between(1, 17),
      started: random.pick(['NO', 'MAYBE', 'YES']),
      text: 'it did not go well',
      retryAfterMs: random.oneIn(2) ? 100 : null,
      elsewhere: random.oneIn(2),
      detail: name === 'fail' && random.oneIn(2) ? Buffer.concat([Buffer.from([2, 6]), Buffer.from('why')]) : null,
    });
    if (random.oneIn(2)) return frame('FAILURE', { call, payload: record });
    return frame('FAILURE', { call, flags: flags.METADATA, payload: Buffer.concat([this.metadata(), record]) });
  }

  /** One message as one frame or several. */
  private cut(
    type: 'REQUEST' | 'RESPONSE' | 'ITEM',
    call: number,
    method: number,
    bits: number,
    prefix: Buffer,
    body: Buffer,
  ): Buffer[] {
    const { random } = this;
    const pieces = random.oneIn(3) && body.length > 0 ? random.pieces(body.length, body.length) : [body.length];
    if (pieces.length > 1 && random.oneIn(4)) pieces.splice(random.below(pieces.length), 0, 0);
    let at = 0;
    return pieces.map((bytes, index) => {
      const more = index < pieces.length - 1 ? flags.MORE : 0;
      const part = body.subarray(at, at + bytes);
      at += bytes;
      if (index > 0) return frame(type, { call, method, flags: more, payload: part });
      return frame(type, { call, method, flags: bits | more, payload: Buffer.concat([prefix, part]) });
    });
  }

  schema(codec: MessageCodec): Buffer[] {
    const payload = writeRecord('SCHEMA', { fingerprint: codec.fingerprint as Buffer, schema: codec.schemaText });
    if (!this.random.oneIn(3)) return [frame('SCHEMA', { payload })];
    const cut = this.random.between(1, payload.length - 1);
    return [
      frame('SCHEMA', { flags: flags.MORE, payload: payload.subarray(0, cut) }),
      frame('SCHEMA', { payload: payload.subarray(cut) }),
    ];
  }

  private body(): Buffer {
    const { random } = this;
    return random.oneIn(60) ? Buffer.alloc(random.below(16_000), 'b') : random.bytes(random.below(40));
  }

  private note(): Buffer {
    const { random, evolved } = this;
    const note = { id: random.below(1000), text: 'a note', tags: ['one', 'two'] };
    if (evolved === noteThatBreaks) return Buffer.from([0]);
    const bytes = Buffer.alloc(100);
    const end =
      evolved === noteOfAnotherVersion
        ? evolved.encode({ ...note, more: 7 }, bytes, 0)
        : Hostile.methods.note.request.encode(note, bytes, 0);
    return bytes.subarray(0, end);
  }

  /** Of this side's schema, which streams use. */
  private plainNote(): Buffer {
    const bytes = Buffer.alloc(100);
    const note = { id: this.random.below(1000), text: 'an item', tags: ['one', 'two'] };
    return bytes.subarray(0, Hostile.methods.talk.request.encode(note as never, bytes, 0));
  }

  private metadata(): Buffer {
    const { random } = this;
    return writeMetadata(random.oneIn(4) ? { trace: Buffer.from('0102', 'hex'), who: 'me' } : { who: 'me' });
  }
}

/** The durations that LEDGER on an answer announces. */
function durations(random: Random): Buffer {
  return Buffer.concat([u32(random.below(100)), u32(random.u32()), u32(2 ** 32 - 1)]);
}

function compressed(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([2]), u32(body.length), gzipSync(body)]);
}
