/**
 * The reader of a schema, for messages that were written with the same schema. Built once a codec, from the leaves up.
 */

import { reasonOf } from '../../base/error-values.js';
import { enumReader, fixedReader, primitiveReads, readBigLong } from '../encoding/primitives.js';
import type { Read, ReadLimits, Shapes } from '../encoding/shapes.js';
import type { Conversions } from '../logical/conversions.js';
import type { RecordNode, SchemaNode } from '../schema/schema.js';
import type { SchemaFacts } from './schema-facts.js';
import { wrappings } from './unions.js';

/** How a codec represents values and how far it trusts a message. */
export interface CodecOptions extends ReadLimits {
  readonly conversions: Conversions;
  /** Whether a record that has all of its fields is checked for properties that are no fields. */
  readonly checkAllFields: boolean;
  /** How functions of compound types are made. */
  readonly shapes: Shapes;
}

/** Stands in for a reader that is needed before it is made, since its type contains itself. */
export class ReadLink {
  read: Read = notMade;
  /** Whether `read` is the reader itself. */
  made = false;

  make(read: Read): Read {
    this.read = read;
    this.made = true;
    return read;
  }

  /** The reader, looked up at each call. */
  readonly through: Read = (tap) => this.read(tap);
}

function notMade(): never {
  throw new Error('a reader was called before it was made');
}

export class Readers {
  private readonly known = new Map<SchemaNode, Read>();
  private readonly links = new Map<RecordNode, ReadLink>();
  private readonly facts: SchemaFacts;
  private readonly options: CodecOptions;
  private readonly depthMax: number | null;

  constructor(facts: SchemaFacts, options: CodecOptions) {
    this.facts = facts;
    this.options = options;
    this.depthMax = facts.nestsDeeper(options.depthMax) ? options.depthMax : null;
  }

  of(node: SchemaNode): Read {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    if (node.kind === 'record') return this.record(node);
    return this.keep(node, this.make(node));
  }

  private keep(node: SchemaNode, bare: Read): Read {
    const read = converted(bare, node, this.options);
    this.known.set(node, read);
    return read;
  }

  private make(node: Exclude<SchemaNode, RecordNode>): Read {
    const { reads } = this.options.shapes;
    switch (node.kind) {
      case 'array':
        return reads.array(this.of(node.items), this.facts.bytesMin(node.items), this.options);
      case 'map':
        return reads.map(this.of(node.values), this.facts.bytesMin(node.values), this.options);
      case 'union':
        return reads.union(
          node.branches.map((branch) => this.of(branch)),
          wrappings(node),
        );
      case 'enum':
        return enumReader(node.symbols);
      case 'fixed':
        return fixedReader(node.size);
      case 'long':
        return longReader(node, this.options);
      default:
        return primitiveReads[node.kind];
    }
  }

  private record(node: RecordNode): Read {
    const open = this.links.get(node);
    if (open !== undefined) return open.through;
    const link = new ReadLink();
    this.links.set(node, link);
    const fields = node.fields.map(({ name, type }) => ({ name, read: this.of(type), preset: null }));
    this.links.delete(node);
    const steps = fields.map((_, field) => ({ field }));
    return link.make(this.keep(node, this.options.shapes.reads.record(node.name, fields, steps, this.depthMax)));
  }
}

export function longReader(node: SchemaNode, { conversions }: CodecOptions): Read {
  return conversions.bigLongs(node) ? readBigLong : primitiveReads.long;
}

/** `read`, followed by the conversion of the node's logical type if it has one. */
export function converted(read: Read, node: SchemaNode, { conversions }: CodecOptions): Read {
  const conversion = conversions.of(node);
  if (conversion === null) return read;
  return (tap) => {
    const value = read(tap);
    try {
      return conversion.fromValue(value);
    } catch (cause) {
      return tap.fail(`its logical type refuses a value (${reasonOf(cause)})`);
    }
  };
}
