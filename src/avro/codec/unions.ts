/**
 * How values of unions look; the schema alone decides. JavaScript sees groups of types: numbers (`int`, `long`, `float`, `double`),
 * texts (`string`, enums), bytes (`bytes`, `fixed`), objects (records, maps), arrays, booleans and null. The values of a union with at
 * most one branch of each group are bare. In any other union every value except null is wrapped in an object with one property,
 * named after its branch: `{ 'demo.City': city }`, `{ long: 7 }`. `infer.ts` types unions by the same rule.
 *
 * Options do not change the rule: `["int", "long"]` is wrapped with `longs: 'bigint'` too.
 */
import type { SchemaNode, UnionNode } from '../schema/schema.js';
import { isNamed } from '../schema/schema.js';

export type Group = 'null' | 'boolean' | 'number' | 'text' | 'bytes' | 'array' | 'object' | 'union';

export function groupOf(node: SchemaNode): Group {
  switch (node.kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'string':
    case 'enum':
      return 'text';
    case 'bytes':
    case 'fixed':
      return 'bytes';
    case 'record':
    case 'map':
      return 'object';
    default:
      return node.kind;
  }
}

export function isWrapped(union: UnionNode): boolean {
  return new Set(union.branches.map(groupOf)).size < union.branches.length;
}

/** The name of a branch where values are wrapped. */
export function branchName(branch: SchemaNode): string {
  return isNamed(branch) ? branch.name : branch.kind;
}

/** The property that wraps the values of each branch, or null where they stand bare. */
export function wrappings(union: UnionNode): readonly (string | null)[] {
  const wrap = isWrapped(union);
  return union.branches.map((branch) => (wrap && branch.kind !== 'null' ? branchName(branch) : null));
}
