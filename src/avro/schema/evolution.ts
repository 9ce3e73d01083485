/**
 * How well a reader's schema takes what a writer's schema writes: `identical` (same canonical form), `compatible` (every value
 * that the writer's schema allows can be read, by Avro's schema resolution), or `breaking`, with the path of the first field,
 * in the reader's order, that cannot be read.
 *
 * The rules are those of the Avro specification ("Schema Resolution"); where it leaves a choice:
 * - Breaking is decided for all values, before the first one is read. Avro itself finds some mismatches only when a value shows
 *   them: a writer's union of which the reader takes only some branches, an enum symbol that the reader does not know. Here
 *   they are breaking at once, so that a call does not start to fail with the first `null`. (avsc and Java's
 *   `SchemaCompatibility` say the same.)
 * - Names of records, enums and fixed types match without their namespaces, and so do the reader's aliases.
 * - A reader's union takes a value with the branch of the same type and full name if it has one, then by alias, then by
 *   unqualified name, then by promotion in the order of the union. The specification (and avsc) take the first branch that
 *   can read the value at all, by which `int` would become `long` in `["long", "int"]` when a field elsewhere changes.
 * - A field that the writer writes under the reader's name and under its alias too is breaking.
 * - `bytes` and `string` read each other; bytes that are no UTF-8 then fail as a value.
 * - An `error` reads a `record` and the reverse.
 * - Where both sides name a valid logical type of the specification, a different one is breaking: another scale, another unit.
 *
 * Method: all pairs of a reader's and a writer's type that meet are collected, each with the pairs it depends on; a pair is
 * readable until a mismatch reaches it. So recursive schemas need no special case, and the cost is linear in the pairs.
 * Called by the codec, which asks a `Grader` for the same choices while it builds the reader of a writer's values.
 */
import type { SchemaGrade } from '../../wire/message-codec.js';
import { canonicalOf } from './canonical.js';
import { logicalMismatch } from './logical.js';
import type { EnumNode, FieldNode, FixedNode, RecordNode, SchemaNode, UnionNode } from './schema.js';
import { isNamed, isPrimitive, labelOf, unqualified } from './schema.js';
import { parseSchema } from './schema-parser.js';

export interface Grade {
  readonly grade: SchemaGrade;
  /** Where the first mismatch is, such as `City.location.lat`; `[]` items, `{}` values, `(Branch)`. Empty unless breaking. */
  readonly path: string;
  /** What is wrong there, in words. Empty unless breaking. */
  readonly reason: string;
}

export interface GradeOptions {
  /**
   * All that is known of the reader is its canonical form, which shows neither defaults nor aliases: where only these could
   * help, they are taken to be there. `breaking` is then certain, and the last word is the reader's own. Default false.
   */
  readonly readerIsCanonical?: boolean;
}

/** Grades schemas given as JSON. Throws an `RpcError` when one of them is no valid schema. */
export function gradeSchemas(reader: unknown, writer: unknown, options?: GradeOptions): Grade {
  return gradeNodes(parseSchema(reader), parseSchema(writer), options);
}

/** Grades schemas that were checked before. */
export function gradeNodes(reader: SchemaNode, writer: SchemaNode, options: GradeOptions = {}): Grade {
  const grade = new Grader(options).grade(reader, writer);
  // Types of the same form may still differ in their logical types.
  if (grade.grade === 'compatible' && canonicalOf(reader) === canonicalOf(writer))
    return { ...grade, grade: 'identical' };
  return grade;
}

/** A reader's type that meets a writer's type. */
interface Pair {
  /** True until proven otherwise. */
  readable: boolean;
  /** One readable child is enough (a reader's union); otherwise all must be readable. */
  readonly anyOf: boolean;
  readonly children: { readonly label: string; readonly pair: Pair }[];
  readonly parents: Pair[];
  /** Children of an `anyOf` that are not refuted. */
  open: number;
  /** Why it is not readable, if that does not come from its children. */
  readonly reason: string;
}

/** Types inside each other that are followed: bounds the recursion here when a peer's schema is a long chain. */
const NESTED_PAIRS_MAX = 400;
/**
 * Comparisons of one grading: bounds the work when a peer's schema meets every type of the reader with many of its own. A schema
 * of the largest size (10,000 parts) takes no more than about as many comparisons as it has parts.
 */
const COMPARISONS_MAX = 50_000;

const promotions: Readonly<Partial<Record<SchemaNode['kind'], readonly string[]>>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

/** A pair that is readable in any case. */
const readablePair: Pair = newPair(false, '');

function newPair(anyOf: boolean, reason: string): Pair {
  return { readable: reason === '', anyOf, children: [], parents: [], open: 0, reason };
}

function mismatch(reason: string): Pair {
  return newPair(false, reason);
}

/**
 * Grades pairs of one reader and one writer, which share what is found out about the types inside them. After `grade`, the other
 * questions about types of the same two schemas cost a look-up.
 */
export class Grader {
  private readonly lenient: boolean;
  private readonly pairs = new Map<SchemaNode, Map<SchemaNode, Pair>>();
  private readonly fieldsByName = new Map<RecordNode, ReadonlyMap<string, FieldNode>>();
  /** Parents that have to be told of a refuted child. */
  private readonly refuted: Pair[] = [];
  private comparisons = 0;

  constructor(options: GradeOptions = {}) {
    this.lenient = options.readerIsCanonical ?? false;
  }

  /** `compatible` or `breaking`; whether the two are identical is not looked at. */
  grade(reader: SchemaNode, writer: SchemaNode): Grade {
    const root = this.visit(reader, writer, 0);
    this.settle();
    if (root.readable) return { grade: 'compatible', path: '', reason: '' };
    const { path, reason } = firstMismatch(root, isNamed(reader) ? unqualified(reader.name) : '');
    return { grade: 'breaking', path: path === '' ? labelOf(reader) : shortened(path), reason };
  }

  /** Index of the branch with which a reader's union takes what `writer`, which is no union, writes; -1 for none. */
  chooseBranch(reader: UnionNode, writer: SchemaNode): number {
    const chosen = this.candidates(reader, writer).find((branch) => {
      const pair = this.visit(branch, writer, 0);
      this.settle();
      return pair.readable;
    });
    return chosen === undefined ? -1 : reader.branches.indexOf(chosen);
  }

  /**
   * The fields of a writer's record that are `field` to the reader, by name or alias. In a pair that is readable there is one at
   * most; without one, the reader's default is used.
   */
  writtenAs(field: FieldNode, writer: RecordNode): readonly FieldNode[] {
    let byName = this.fieldsByName.get(writer);
    if (byName === undefined) {
      byName = new Map(writer.fields.map((one) => [one.name, one]));
      this.fieldsByName.set(writer, byName);
    }
    const found = new Set<FieldNode>();
    for (const name of [field.name, ...field.aliases]) {
      const one = byName.get(name);
      if (one !== undefined) found.add(one);
    }
    return [...found];
  }

  private visit(reader: SchemaNode, writer: SchemaNode, depth: number): Pair {
    if (isPrimitive(reader) && (reader.kind === writer.kind || promotes(reader, writer))) {
      const reason = logicalMismatch(reader, writer);
      return reason === undefined ? readablePair : mismatch(reason);
    }
    let met = this.pairs.get(reader);
    if (met === undefined) this.pairs.set(reader, (met = new Map()));
    const known = met.get(writer);
    if (known !== undefined) return known;
    if (depth > NESTED_PAIRS_MAX) return mismatch(`more than ${NESTED_PAIRS_MAX} types stand inside each other`);
    if (this.comparisons > COMPARISONS_MAX) {
      return mismatch(`more than ${COMPARISONS_MAX} comparisons of types would be needed`);
    }
    const anyOf = reader.kind === 'union' && writer.kind !== 'union';
    const pair = refutation(reader, writer, this.lenient) ?? newPair(anyOf, '');
    met.set(writer, pair);
    if (pair.readable) this.link(pair, reader, writer, depth);
    return pair;
  }

  /** Visits what the pair depends on, in the order of the reader's schema. */
  private link(pair: Pair, reader: SchemaNode, writer: SchemaNode, depth: number): void {
    if (writer.kind === 'union') {
      for (const branch of writer.branches)
        this.add(pair, `(${labelOf(branch)})`, this.visit(reader, branch, depth + 1));
    } else if (reader.kind === 'union') {
      const candidates = this.candidates(reader, writer);
      const none = `no branch of the reader's union takes ${describe(writer)}`;
      if (candidates.length === 0) this.add(pair, '', mismatch(none));
      for (const branch of candidates) this.add(pair, `(${labelOf(branch)})`, this.visit(branch, writer, depth + 1));
    } else if (reader.kind === 'array' && writer.kind === 'array') {
      this.add(pair, '[]', this.visit(reader.items, writer.items, depth + 1));
    } else if (reader.kind === 'map' && writer.kind === 'map') {
      this.add(pair, '{}', this.visit(reader.values, writer.values, depth + 1));
    } else if (reader.kind === 'record' && writer.kind === 'record') {
      for (const field of reader.fields) this.add(pair, `.${field.name}`, this.visitField(field, writer, depth));
    }
  }

  private visitField(field: FieldNode, writer: RecordNode, depth: number): Pair {
    const [source, second] = this.writtenAs(field, writer);
    if (source !== undefined && second !== undefined) {
      return mismatch(`the writer writes both ${source.name} and ${second.name}, which are one field to the reader`);
    }
    if (source !== undefined) return this.visit(field.type, source.type, depth + 1);
    if (field.hasDefault || this.lenient) return readablePair;
    return mismatch('the writer does not write this field, and the reader has no default for it');
  }

  private add(parent: Pair, label: string, child: Pair): void {
    parent.open++;
    this.comparisons++;
    if (child === readablePair) return;
    parent.children.push({ label, pair: child });
    child.parents.push(parent);
    if (!child.readable) this.refuted.push(parent);
  }

  /** Carries mismatches up to everything that depends on them. */
  private settle(): void {
    for (let pair = this.refuted.pop(); pair !== undefined; pair = this.refuted.pop()) {
      if (!pair.readable) continue;
      pair.open--;
      if (pair.anyOf && pair.open > 0) continue;
      pair.readable = false;
      for (const parent of pair.parents) this.refuted.push(parent);
    }
  }

  /** The branches of a reader's union that come into question for a writer's type: those that match best. */
  private candidates(union: UnionNode, writer: SchemaNode): readonly SchemaNode[] {
    let best = NO_MATCH;
    let branches: SchemaNode[] = [];
    for (const branch of union.branches) {
      const rank = matchRank(branch, writer, this.lenient);
      if (rank > best || rank === NO_MATCH) continue;
      if (rank < best) branches = [];
      best = rank;
      branches.push(branch);
    }
    return branches;
  }
}

/** The first mismatch below a refuted pair, in the order of the reader's schema. */
function firstMismatch(root: Pair, start: string): { readonly path: string; readonly reason: string } {
  const visited = new Set<Pair>();
  const stack = [{ pair: root, path: start }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { pair, path } = top;
    if (pair.reason !== '') return { path, reason: pair.reason };
    if (visited.has(pair)) continue;
    visited.add(pair);
    // Of the branches of a reader's union, the one that matches best explains most.
    const children = pair.anyOf ? pair.children.slice(0, 1) : pair.children.filter((child) => !child.pair.readable);
    // Between two unions the writer's branch has been named already.
    const named = pair.anyOf && path.endsWith(')');
    for (const child of children.reverse()) stack.push({ pair: child.pair, path: named ? path : path + child.label });
  }
  throw new Error('a refuted pair without a mismatch below it');
}

/** A path through a peer's schema can have thousands of steps; its ends say most. */
function shortened(path: string): string {
  return path.length <= 256 ? path : `${path.slice(0, 120)}...${path.slice(-120)}`;
}

const NO_MATCH = 5;

/** How closely a branch fits a type, 0 best. */
function matchRank(branch: SchemaNode, writer: SchemaNode, lenient: boolean): number {
  if (branch.kind !== writer.kind) return promotes(branch, writer) ? 4 : NO_MATCH;
  if (!isNamed(branch) || !isNamed(writer)) return 0;
  if (branch.name === writer.name) return 0;
  // Any of them may have the alias that decides.
  if (lenient) return 1;
  if (branch.aliases.includes(writer.name)) return 1;
  const name = unqualified(writer.name);
  if (unqualified(branch.name) === name) return 2;
  if (branch.aliases.some((alias) => unqualified(alias) === name)) return 3;
  return NO_MATCH;
}

/** The pair of two types that fail without a look at what they contain; undefined if they do not. */
function refutation(reader: SchemaNode, writer: SchemaNode, lenient: boolean): Pair | undefined {
  if (reader.kind === 'union' || writer.kind === 'union') return undefined;
  const reason = mismatchOf(reader, writer, lenient);
  return reason === undefined ? undefined : mismatch(reason);
}

function mismatchOf(reader: SchemaNode, writer: SchemaNode, lenient: boolean): string | undefined {
  if (reader.kind !== writer.kind)
    return `the reader expects ${describe(reader)}, the writer writes ${describe(writer)}`;
  const other = logicalMismatch(reader, writer);
  if (other !== undefined) return other;
  if (!isNamed(reader) || !isNamed(writer)) return undefined;
  if (matchRank(reader, writer, lenient) === NO_MATCH) {
    return `the reader expects ${describe(reader)}, the writer writes ${describe(writer)}, which is no alias of it`;
  }
  if (reader.kind === 'fixed' && writer.kind === 'fixed') return fixedMismatch(reader, writer);
  if (reader.kind === 'enum' && writer.kind === 'enum' && !lenient) return enumMismatch(reader, writer);
  return undefined;
}

function fixedMismatch(reader: FixedNode, writer: FixedNode): string | undefined {
  if (reader.size === writer.size) return undefined;
  return `the reader expects ${reader.size} bytes, the writer writes ${writer.size}`;
}

function enumMismatch(reader: EnumNode, writer: EnumNode): string | undefined {
  if (reader.default !== undefined) return undefined;
  const known = new Set(reader.symbols);
  const unknown = writer.symbols.find((symbol) => !known.has(symbol));
  if (unknown === undefined) return undefined;
  return `the writer may write the symbol ${unknown}, which the reader does not know, and it has no default symbol`;
}

function promotes(reader: SchemaNode, writer: SchemaNode): boolean {
  return promotions[reader.kind]?.includes(writer.kind) ?? false;
}

function describe(node: SchemaNode): string {
  return isNamed(node) ? `${node.kind} ${unqualified(node.name)}` : node.kind;
}
