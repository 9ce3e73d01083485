/**
 * What a schema says about the bytes of its values before any value is seen: the fewest bytes a value can take, and how deep
 * records can nest. Readers and writers ask it once, when a schema is compiled, so that a schema pays only for the checks it needs.
 *
 * A schema can define a chain of thousands of records, each holding the one before, so records are walked with an explicit stack.
 * Between two records the recursion is at most as deep as the schema's text.
 *
 * Used by `readers.ts`, `writers.ts`, `skippers.ts` and `resolver.ts`.
 */
import type { RecordNode, SchemaNode } from '../schema/schema.js';

interface RecordFacts {
  /** Fewest bytes of a value. 0 means that every value has none. */
  readonly bytesMin: number;
  /** Records inside each other, this one included; infinite when it can contain itself. */
  readonly nesting: number;
}

/** A record that is being looked at contains itself; what it takes on the way back to itself is one byte at least. */
const recursive: RecordFacts = { bytesMin: 1, nesting: Number.POSITIVE_INFINITY };

export class SchemaFacts {
  /** Every record of the schema. */
  readonly records: readonly RecordNode[];
  private readonly facts = new Map<RecordNode, RecordFacts>();

  constructor(readonly root: SchemaNode) {
    const open: { readonly record: RecordNode; readonly inside: RecordNode[] }[] = [];
    const enter = (record: RecordNode): void => {
      this.facts.set(record, recursive);
      open.push({ record, inside: record.fields.flatMap((field) => recordsIn(field.type)) });
    };
    for (const first of recordsIn(root)) {
      if (!this.facts.has(first)) enter(first);
      for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
        const next = top.inside.pop();
        if (next === undefined) {
          open.pop();
          this.facts.set(top.record, this.summary(top.record));
        } else if (!this.facts.has(next)) enter(next);
      }
    }
    this.records = [...this.facts.keys()];
  }

  /** Fewest bytes that a value of `node`, which is part of the schema, can take; 0 only if none ever has one. */
  bytesMin(node: SchemaNode): number {
    switch (node.kind) {
      case 'null':
        return 0;
      case 'float':
        return 4;
      case 'double':
        return 8;
      case 'fixed':
        return node.size;
      case 'union':
        return 1 + Math.min(...node.branches.map((branch) => this.bytesMin(branch)));
      case 'record':
        return this.factsOf(node).bytesMin;
      default:
        return 1;
    }
  }

  /** Whether a value can have an array whose items have no bytes, so that a few bytes claim as many of them as the limit allows. */
  hasEmptyItems(): boolean {
    const parts = [this.root, ...this.records.flatMap((record) => record.fields.map((field) => field.type))];
    return parts.some((part) => this.holdsEmptyItems(part));
  }

  /** The same without a look into records. */
  private holdsEmptyItems(node: SchemaNode): boolean {
    switch (node.kind) {
      case 'array':
        return this.bytesMin(node.items) === 0 || this.holdsEmptyItems(node.items);
      case 'map':
        return this.holdsEmptyItems(node.values);
      case 'union':
        return node.branches.some((branch) => this.holdsEmptyItems(branch));
      default:
        return false;
    }
  }

  /** Whether values can have records nested deeper than `max`. */
  nestsDeeper(max: number): boolean {
    return this.nesting(this.root) > max;
  }

  /** Whether a value of `node` can hold a record that holds one of its own type. */
  recurses(node: SchemaNode): boolean {
    return this.nesting(node) === Number.POSITIVE_INFINITY;
  }

  private nesting(node: SchemaNode): number {
    return Math.max(0, ...recordsIn(node).map((record) => this.factsOf(record).nesting));
  }

  private summary(record: RecordNode): RecordFacts {
    let bytesMin = 0;
    let nesting = 0;
    for (const { type } of record.fields) {
      bytesMin += this.bytesMin(type);
      nesting = Math.max(nesting, this.nesting(type));
    }
    return { bytesMin, nesting: nesting + 1 };
  }

  private factsOf(record: RecordNode): RecordFacts {
    return this.facts.get(record) ?? recursive;
  }
}

/** The records that a value of `node` can hold without another record around them. */
function recordsIn(node: SchemaNode): RecordNode[] {
  switch (node.kind) {
    case 'record':
      return [node];
    case 'array':
      return recordsIn(node.items);
    case 'map':
      return recordsIn(node.values);
    case 'union':
      return node.branches.flatMap(recordsIn);
    default:
      return [];
  }
}
