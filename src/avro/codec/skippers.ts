/**
 * Skippers step over the fields that a writer sends and the reader does not have. They check everything that readers check, and
 * allocate nothing. Their types come from a peer's schema, so unlike readers they are plain closures: no code is generated, and a
 * schema costs no more than its size, however its records are nested.
 *
 * A field that never has bytes is skipped without a call. Otherwise a small schema (ten records, each with ten fields of the one
 * before) could make an empty message cost any amount of work.
 */

import { assert } from '../../base/assert.js';
import type { ReadTap } from '../encoding/read-tap.js';
import type { ReadLimits } from '../encoding/shapes.js';
import type { RecordNode, SchemaNode } from '../schema/schema.js';
import type { SchemaFacts } from './schema-facts.js';

export type Skip = (tap: ReadTap) => void;

/** Filled when all skippers of a record's fields are there. */
interface Link {
  skip: Skip;
}

const skipNothing: Skip = () => {};

export class Skippers {
  private readonly links = new Map<RecordNode, Link>();
  private readonly facts: SchemaFacts;
  private readonly limits: ReadLimits;
  private readonly depthMax: number;

  constructor(facts: SchemaFacts, limits: ReadLimits) {
    this.facts = facts;
    this.limits = limits;
    this.depthMax = facts.nestsDeeper(limits.depthMax) ? limits.depthMax : Number.POSITIVE_INFINITY;
    for (const record of facts.records) this.links.set(record, { skip: skipNothing });
    for (const [record, link] of this.links) link.skip = this.record(record);
  }

  of(node: SchemaNode): Skip {
    switch (node.kind) {
      case 'null':
        return skipNothing;
      case 'boolean':
        return (tap) => void tap.readBoolean();
      case 'int':
        return (tap) => void tap.readInt();
      case 'long':
        return (tap) => tap.skipLong();
      case 'float':
        return (tap) => tap.skipFixed(4);
      case 'double':
        return (tap) => tap.skipFixed(8);
      case 'bytes':
        return (tap) => tap.skipBytes();
      case 'string':
        return (tap) => tap.skipString();
      case 'fixed':
        return (tap) => tap.skipFixed(node.size);
      case 'enum':
        return (tap) => void tap.readIndex(node.symbols.length);
      case 'union':
        return skipUnion(node.branches.map((branch) => this.of(branch)));
      case 'array':
        return this.array(node.items);
      case 'map':
        return this.map(node.values);
      case 'record':
        return this.linked(node);
    }
  }

  /** The record's own skipper may not be made yet, so it is looked up when it runs. */
  private linked(record: RecordNode): Skip {
    const link = this.links.get(record);
    assert(link !== undefined, 'the facts list every record of the schema');
    return (tap) => link.skip(tap);
  }

  private record(record: RecordNode): Skip {
    const skips = record.fields.filter(({ type }) => this.facts.bytesMin(type) > 0).map(({ type }) => this.of(type));
    const { depthMax } = this;
    return (tap) => {
      if (++tap.depth > depthMax) tap.tooDeep(depthMax);
      for (const skip of skips) skip(tap);
      tap.depth--;
    };
  }

  private array(items: SchemaNode): Skip {
    const skip = this.of(items);
    const bytesMin = this.facts.bytesMin(items);
    const { emptyItemsMax } = this.limits;
    if (bytesMin > 0) return (tap) => skipBlocks(tap, bytesMin, skip);
    return (tap) => skipEmptyItems(tap, emptyItemsMax);
  }

  private map(values: SchemaNode): Skip {
    const skip = this.of(values);
    const bytesMin = 1 + this.facts.bytesMin(values);
    const skipEntry: Skip = (tap) => {
      tap.skipString();
      skip(tap);
    };
    return (tap) => skipBlocks(tap, bytesMin, skipEntry);
  }
}

function skipUnion(skips: readonly Skip[]): Skip {
  return (tap) => skips[tap.readIndex(skips.length)](tap);
}

/** Item by item even where a block says its size: a false size must not pass. */
function skipBlocks(tap: ReadTap, bytesMin: number, skip: Skip): void {
  for (let count = tap.readCount(bytesMin); count !== 0; count = tap.readCount(bytesMin)) {
    const { blockEnd } = tap;
    for (let i = 0; i < count; i++) skip(tap);
    if (blockEnd !== -1) tap.checkBlockEnd(blockEnd);
  }
}

function skipEmptyItems(tap: ReadTap, max: number): void {
  while (tap.readEmptyCount(max) !== 0) {
    if (tap.blockEnd !== -1) tap.checkBlockEnd(tap.blockEnd);
  }
}
