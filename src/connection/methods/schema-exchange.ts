/**
 * Schemas by fingerprint, over SCHEMA frames: asks the peer for those that this process does not know, and gives those that this side
 * declared. A schema that arrives is checked against the fingerprint that was asked for, so a peer cannot poison the cache that all
 * connections of the process share. Used by the two tables of methods.
 */
import { createHash } from 'node:crypto';
import { CloseCode, Flag, FrameType } from '../../wire/constants.js';
import type { MessageCodec, MethodSpec, Resolution } from '../../wire/message-codec.js';
import type { MethodRecord } from '../../wire/records/method.js';
import {
  decodeSchema,
  encodeSchema,
  SCHEMA_RECORD_BYTES_MAX,
  SCHEMA_TEXT_BYTES_MAX,
} from '../../wire/records/schema.js';
import type { Link } from '../calls/link.js';
import { Assembly } from '../messages/assembly.js';
import { compareFingerprints, type Grader, gradeText } from './resolution.js';

/** Characters of schema text that one cache holds: more than any real system needs, and little of a heap. */
const CACHE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Schema texts by fingerprint (hex), for all connections of a process. The oldest are evicted first. */
export class SchemaCache {
  private readonly texts = new Map<string, string>();
  private characters = 0;

  get(fingerprint: string): string | undefined {
    return this.texts.get(fingerprint);
  }

  set(fingerprint: string, text: string): void {
    if (this.texts.has(fingerprint)) return;
    this.texts.set(fingerprint, text);
    this.characters += text.length;
    for (const [oldest, oldText] of this.texts) {
      if (this.characters <= CACHE_CHARACTERS_MAX) break;
      this.texts.delete(oldest);
      this.characters -= oldText.length;
    }
  }
}

/** Called once, with the text, or with null when the peer does not give it. */
type OnSchema = (text: string | null) => void;

export class SchemaExchange {
  private readonly asked = new Map<string, OnSchema[]>();
  private readonly offered = new Map<string, MessageCodec>();
  private assembly: Assembly | null = null;
  private ended = false;

  constructor(
    private readonly link: Link,
    private readonly cache: SchemaCache,
  ) {}

  /** The METHOD record of a method. From now on the peer may ask for each of its schemas, once. */
  describe(role: MethodRecord['role'], { name, kind, request, response, errors }: MethodSpec): MethodRecord {
    for (const codec of [request, response, errors]) {
      if (codec?.fingerprint) this.offered.set(codec.fingerprint.toString('hex'), codec);
    }
    const { fingerprint } = request;
    return {
      role,
      name,
      kind,
      request: fingerprint,
      response: response.fingerprint,
      errors: errors?.fingerprint ?? null,
    };
  }

  /** Calls back once with the grade of `own` against the peer's schema of this fingerprint: at once if that is known here. */
  resolve(
    own: MessageCodec | null,
    fingerprint: Buffer | null,
    grade: Grader,
    onResolution: (resolution: Resolution) => void,
  ): void {
    const compared = compareFingerprints(own, fingerprint);
    if (compared.known !== null) onResolution(compared.known);
    else {
      const { own: codec, fingerprint: needed } = compared;
      this.fetch(needed, (text) => onResolution(gradeText(grade, codec, text, needed)));
    }
  }

  /** Finds a schema in the cache, or asks the peer. */
  private fetch(fingerprint: Buffer, onSchema: OnSchema): void {
    const name = fingerprint.toString('hex');
    const known = this.cache.get(name);
    if (known !== undefined) {
      onSchema(known);
      return;
    }
    if (this.ended) {
      onSchema(null);
      return;
    }
    const waiting = this.asked.get(name);
    if (waiting !== undefined) {
      waiting.push(onSchema);
      return;
    }
    this.asked.set(name, [onSchema]);
    this.write({ fingerprint, schema: null });
  }

  onFrame(flags: number, buffer: Buffer, start: number, end: number): void {
    const { link } = this;
    if (this.assembly === null && (flags & Flag.MORE) === 0) {
      this.onRecord(buffer, start, end);
      return;
    }
    const more = (flags & Flag.MORE) !== 0;
    if (!link.admitFragment(more, end - start)) return;
    this.assembly ??= new Assembly(link.ledger);
    const { assembly } = this;
    if (assembly.length + end - start > SCHEMA_RECORD_BYTES_MAX || !assembly.append(buffer, start, end)) {
      link.fail(CloseCode.PROTOCOL, `a schema of more than ${SCHEMA_TEXT_BYTES_MAX} bytes, which the protocol forbids`);
      return;
    }
    if (more) return;
    this.assembly = null;
    const { buffer: whole, length } = assembly;
    assembly.release();
    this.onRecord(whole, 0, length);
  }

  /** The peer ended its half: it gives no more schemas. */
  onReadEnd(): void {
    this.ended = true;
    const waiting = [...this.asked.values()];
    this.asked.clear();
    for (const onSchema of waiting.flat()) onSchema(null);
  }

  /** The connection is over. Methods that wait for schemas are closed by their tables. */
  close(): void {
    this.asked.clear();
    this.assembly?.release();
    this.assembly = null;
  }

  private onRecord(buffer: Buffer, start: number, end: number): void {
    const record = decodeSchema(buffer, start, end);
    const name = record.fingerprint.toString('hex');
    if (record.schema === null) {
      this.give(name, record.fingerprint);
      return;
    }
    const waiting = this.asked.get(name);
    if (waiting === undefined) {
      this.link.fail(CloseCode.PROTOCOL, `SCHEMA ${name} was given without being asked for`);
      return;
    }
    if (record.schema !== '') {
      const actual = createHash('sha256').update(record.schema).digest('hex');
      if (actual !== name) {
        this.link.fail(CloseCode.PROTOCOL, `the schema given for fingerprint ${name} has fingerprint ${actual}`);
        return;
      }
      this.cache.set(name, record.schema);
    }
    this.asked.delete(name);
    for (const onSchema of waiting) onSchema(record.schema === '' ? null : record.schema);
  }

  private give(name: string, fingerprint: Buffer): void {
    const codec = this.offered.get(name);
    // "A side asks for a fingerprint at most once": a second request finds nothing and counts as a reset.
    if (codec === undefined && !this.link.chargeReset()) return;
    this.offered.delete(name);
    const text = codec?.schemaText ?? '';
    this.write({ fingerprint, schema: Buffer.byteLength(text) > SCHEMA_TEXT_BYTES_MAX ? '' : text });
  }

  private write(record: { fingerprint: Buffer; schema: string | null }): void {
    const payload = encodeSchema(record);
    const { queue, peerLimits } = this.link;
    for (let at = 0; ; ) {
      const next = Math.min(at + peerLimits.frameBytesMax, payload.length);
      queue.writeFrame(FrameType.SCHEMA, next < payload.length ? Flag.MORE : 0, 0, 0, payload.subarray(at, next));
      if (next === payload.length) return;
      at = next;
    }
  }
}
