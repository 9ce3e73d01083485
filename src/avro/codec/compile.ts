/**
 * Compiles a schema to the functions that read and write its values. `codec.ts` is the only caller.
 *
 * How values look, which is what `infer.ts` types:
 * - null, boolean, string: as they are. int, float, double: number. long: number, or bigint with `longs: 'bigint'`.
 * - bytes, fixed: read as a `Buffer` of their own, written from any `Uint8Array`.
 * - enum: its symbol, a string. array: an array.
 * - record and error: read as a plain object with the fields in the order of the schema. Written from a plain object or an instance
 *   of a class (`record-members.ts`). A field that is undefined and has a default is written as its default.
 * - map: read as an object without a prototype, so any key may be looked up (if a key comes twice, the last value counts).
 *   Written from a plain object, or an instance of a class with properties of its own.
 * - union: bare where JavaScript can tell the branches apart, else wrapped as `{ 'branch.Name': value }` (`unions.ts`).
 * - logical types: their underlying type, unless the option `logicalTypes` has a class for it (`logical/conversions.ts`).
 *
 * What `write` accepts, `read` gives back equal (a float is rounded to 32 bits, as its type says). Everything else is refused:
 * nothing is rounded, cut or replaced. `write` never changes a value.
 *
 * Functions are made when they are first needed: a client never reads requests. They are generated, or, where the process may not
 * generate code from strings, closures that do the same (`interpreter/`).
 */

import { canGenerate } from '../encoding/generate.js';
import { checkAllFields } from '../encoding/record-members.js';
import type { Read, Shapes, Write } from '../encoding/shapes.js';
import { interpretedReads } from '../interpreter/reads.js';
import { interpretedWrites } from '../interpreter/writes.js';
import { Conversions, type LogicalTypesOption } from '../logical/conversions.js';
import type { SchemaNode } from '../schema/schema.js';
import { presetOf } from './defaults.js';
import { generatedReads } from './generated-reads.js';
import { generatedWrites } from './generated-writes.js';
import { type CodecOptions, Readers } from './readers.js';
import { resolve } from './resolver.js';
import { SchemaFacts } from './schema-facts.js';
import { checkValue, type Wrong } from './value-check.js';
import { Writers } from './writers.js';

/** How a codec represents values, and how far it trusts a message. */
export interface AvroOptions {
  /** JavaScript type of Avro's `long`. Default `'number'`: values beyond +-(2^53 - 1) are errors, never rounded. */
  readonly longs?: 'number' | 'bigint' | undefined;
  /**
   * `'standard'` for the logical types of the specification (dates, timestamps, decimals, UUIDs, durations), or classes by the name
   * of their logical type. Default none: a logical type is its underlying type.
   */
  readonly logicalTypes?: LogicalTypesOption | undefined;
  /** Records inside records, in schemas that can nest without a bound. Default 64 (Thrift). */
  readonly depthMax?: number;
  /** Items without bytes (null, empty records) in all arrays of a message. Default 65,536. */
  readonly emptyItemsMax?: number;
}

const generated: Shapes = { reads: generatedReads, writes: generatedWrites };
export const interpreted: Shapes = { reads: interpretedReads, writes: interpretedWrites };

export class CompiledSchema {
  private readonly node: SchemaNode;
  private readonly options: CodecOptions;
  private readonly facts: SchemaFacts;

  /** Throws an `RpcError` when a default does not fit its field, or a class of `logicalTypes` refuses its type. */
  constructor(node: SchemaNode, options: AvroOptions, shapes: Shapes = canGenerate ? generated : interpreted) {
    this.node = node;
    this.options = {
      conversions: new Conversions(options.logicalTypes ?? {}, options.longs === 'bigint'),
      checkAllFields: checkAllFields(),
      depthMax: options.depthMax ?? 64,
      emptyItemsMax: options.emptyItemsMax ?? 65_536,
      shapes,
    };
    this.facts = new SchemaFacts(node);
    const { conversions } = this.options;
    conversions.prepare(node);
    for (const record of this.facts.records) {
      for (const field of record.fields) {
        conversions.prepare(field.type);
        if (field.hasDefault) presetOf(record, field, this.options);
      }
    }
  }

  /** Whether a few bytes can be a value of very many parts. */
  get amplifies(): boolean {
    return this.facts.hasEmptyItems();
  }

  reader(): Read {
    return new Readers(this.facts, this.options).of(this.node);
  }

  writer(): Write {
    return new Writers(this.facts, this.options).of(this.node);
  }

  /** Reads what was written with `writer`, which was graded `compatible`. */
  resolvingReader(writer: SchemaNode): Read {
    return resolve(this.node, writer, this.options);
  }

  /** The first part of `value` that the schema does not take. */
  check(value: unknown): Wrong | null {
    return checkValue(this.node, value, this.options);
  }
}
