/**
 * From what a method says about its messages (a schema, `raw`, a codec) to codecs. Codecs are shared: the same schema object, or
 * primitive name, with the same options is compiled once in a process, so a schema must not be changed after it was used.
 *
 * Called by `service.ts` while a service is defined.
 */
import { RpcError } from '../../base/errors.js';
import { isBytesCodec, type MessageCodec } from '../../wire/message-codec.js';
import { avroCodec, isAvroCodec } from '../codec/codec.js';
import type { LogicalTypesOption } from '../logical/conversions.js';
import type { DeclaredErrorsCodec } from './declared-error.js';
import { declaredErrorsCodec } from './declared-error.js';
import { GuardedCodec } from './guarded-codec.js';
import type { Longs } from './infer.js';
import { shareNamedTypes } from './shared-types.js';

interface Compiled<Codec extends MessageCodec> {
  readonly longs: Longs;
  readonly logicalTypes: LogicalTypesOption | undefined;
  readonly codec: Codec;
}

/** What was compiled from schemas, by object or by the name of a primitive type, and from lists of errors. */
const bySchema = new WeakMap<object, Compiled<MessageCodec>[]>();
const byName = new Map<unknown, Compiled<MessageCodec>[]>();
const byErrors = new WeakMap<object, Compiled<DeclaredErrorsCodec>[]>();

interface Cache<Codec extends MessageCodec> {
  get(source: unknown): Compiled<Codec>[] | undefined;
  set(source: unknown, compiled: Compiled<Codec>[]): unknown;
}

/** The codecs of one method. */
export class MessageCodecs {
  private readonly method: string;
  private readonly longs: Longs;
  private readonly logicalTypes: LogicalTypesOption | undefined;

  /** `method` is what error messages begin with. */
  constructor(method: string, longs: Longs | undefined, logicalTypes: LogicalTypesOption | undefined) {
    this.method = method;
    this.longs = longs ?? 'number';
    this.logicalTypes = logicalTypes;
  }

  /** Throws an `RpcError` when `source` is neither a codec nor a valid schema. */
  of(source: unknown, what: string): MessageCodec {
    if (isCodec(source)) return isAvroCodec(source) || isBytesCodec(source) ? source : this.guarded(source, what);
    const cache: Cache<MessageCodec> = typeof source === 'object' && source !== null ? bySchema : byName;
    return this.compiled(cache, source, what, () => this.compile(source));
  }

  /** Codec of the union that Avro prescribes for errors: `["string", ...errors]`. */
  errors(errors: readonly unknown[]): DeclaredErrorsCodec {
    const compile = (): DeclaredErrorsCodec => declaredErrorsCodec(this.compile(['string', ...errors]));
    return this.compiled(byErrors, errors, 'errors', compile);
  }

  private guarded(codec: MessageCodec, what: string): MessageCodec {
    return codec instanceof GuardedCodec ? codec : new GuardedCodec(codec, `${this.method}: ${what}`);
  }

  private compile(schema: unknown): MessageCodec {
    const { longs, logicalTypes } = this;
    return avroCodec(shareNamedTypes(schema), logicalTypes === undefined ? { longs } : { longs, logicalTypes });
  }

  private compiled<Codec extends MessageCodec>(
    cache: Cache<Codec>,
    source: unknown,
    what: string,
    compile: () => Codec,
  ): Codec {
    const { longs, logicalTypes } = this;
    const all = cache.get(source) ?? [];
    const known = all.find((other) => other.longs === longs && other.logicalTypes === logicalTypes);
    if (known !== undefined) return known.codec;
    let codec: Codec;
    try {
      codec = compile();
    } catch (cause) {
      throw this.refusal(what, cause);
    }
    all.push({ longs, logicalTypes, codec });
    cache.set(source, all);
    return codec;
  }

  private refusal(what: string, cause: unknown): RpcError {
    const place = `${this.method}: ${what}: `;
    if (!(cause instanceof RpcError)) return new RpcError('INVALID_ARGUMENT', place + String(cause), { cause });
    const options = cause.limit === undefined ? { cause } : { cause, limit: cause.limit };
    return new RpcError(cause.code, place + cause.message, options);
  }
}

function isCodec(source: unknown): source is MessageCodec {
  return typeof source === 'object' && source !== null && 'encode' in source && typeof source.encode === 'function';
}
