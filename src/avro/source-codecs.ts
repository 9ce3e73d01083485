/**
 * From what a method says about its messages (a schema, `raw`, a codec) to codecs. Codecs are shared: the same schema object, or
 * primitive name, with the same options is compiled once in a process, so a schema must not be changed after it was used.
 *
 * Called by `service.ts` while a service is defined.
 */
import { RpcError } from '../base/errors.js';
import type { MessageCodec } from '../wire/message-codec.js';
import { avroCodec } from './codec.js';
import type { LogicalTypes } from './codec-logical.js';
import type { DeclaredErrorsCodec } from './declared-error.js';
import { declaredErrorsCodec } from './declared-error.js';
import type { Longs } from './infer.js';
import { shareNamedTypes } from './shared-types.js';

interface Compiled {
  readonly longs: Longs;
  readonly logicalTypes: LogicalTypes | undefined;
  readonly codec: MessageCodec;
}

/** What was compiled, by schema object, and by the name of a primitive type. A list of errors is a key of its own. */
const byObject = new WeakMap<object, Compiled[]>();
const byName = new Map<unknown, Compiled[]>();

/** The codecs of one method. */
export class MessageCodecs {
  private readonly method: string;
  private readonly longs: Longs;
  private readonly logicalTypes: LogicalTypes | undefined;

  /** `method` is what error messages begin with. */
  constructor(method: string, longs: Longs | undefined, logicalTypes: LogicalTypes | undefined) {
    this.method = method;
    this.longs = longs ?? 'number';
    this.logicalTypes = logicalTypes;
  }

  /** Throws an `RpcError` (INVALID_ARGUMENT) when `source` is neither a codec nor a valid schema. */
  of(source: unknown, what: string): MessageCodec {
    return isCodec(source) ? source : this.compiled(source, what, () => this.compile(source));
  }

  /** Codec of the union that Avro prescribes for errors: `["string", ...errors]`. */
  errors(errors: readonly unknown[]): DeclaredErrorsCodec {
    const compile = (): MessageCodec => declaredErrorsCodec(this.compile(['string', ...errors]));
    return this.compiled(errors, 'errors', compile) as DeclaredErrorsCodec;
  }

  private compile(schema: unknown): MessageCodec {
    const { longs, logicalTypes } = this;
    return avroCodec(shareNamedTypes(schema), logicalTypes === undefined ? { longs } : { longs, logicalTypes });
  }

  private compiled(source: unknown, what: string, compile: () => MessageCodec): MessageCodec {
    const { longs, logicalTypes } = this;
    const all = compiledFrom(source);
    const known = all.find((other) => other.longs === longs && other.logicalTypes === logicalTypes);
    if (known !== undefined) return known.codec;
    let codec: MessageCodec;
    try {
      codec = compile();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RpcError('INVALID_ARGUMENT', `${this.method}: ${what}: ${reason}`, { cause });
    }
    all.push({ longs, logicalTypes, codec });
    return codec;
  }
}

function compiledFrom(source: unknown): Compiled[] {
  const cache: { get(key: unknown): Compiled[] | undefined; set(key: unknown, value: Compiled[]): unknown } =
    typeof source === 'object' && source !== null ? byObject : byName;
  let all = cache.get(source);
  if (all === undefined) cache.set(source, (all = []));
  return all;
}

function isCodec(source: unknown): source is MessageCodec {
  return typeof source === 'object' && source !== null && 'encode' in source && typeof source.encode === 'function';
}
