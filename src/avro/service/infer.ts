/**
 * TypeScript types of the values of an Avro schema that is written in place, without a code generator.
 *
 * Types only. They follow what the codec (`compile.ts`) reads and writes, and never say more than it guarantees. Recursion is
 * safe: a record's fields are members of a mapped type, which the compiler resolves only when they are looked at, and Avro can
 * recurse only through records. Names are looked up in the whole schema (`Root`) only when one occurs, so a schema without
 * references costs nothing but its own walk.
 *
 * Used by `method.ts` for requests, responses and errors, and by applications through `Infer`.
 */
import type { LogicalTypesOption } from '../logical/conversions.js';
import type { standardLogicalTypes } from '../logical/standard-types.js';
import type {
  FieldLike,
  Lookup,
  NameIn,
  PrimitiveName,
  Qualified,
  RecordLike,
  SpaceIn,
  Written,
} from './typed-schema.js';

/** JavaScript types of Avro's `long`. */
export type Longs = 'number' | 'bigint';

/** How values are represented, beyond what the schema says. */
export interface ValueOptions {
  /** JavaScript type of Avro's `long`. Default `'number'`: values beyond +-(2^53 - 1) are errors, never rounded. */
  readonly longs?: Longs | undefined;
  /** `'standard'`, or classes for logical types by name. Default none: a logical type is its underlying type. */
  readonly logicalTypes?: LogicalTypesOption | undefined;
}

/**
 * What a codec gives for schema `S`, and what `Infer` means: null, boolean, number (`long`: see `ValueOptions.longs`), string,
 * Buffer for `bytes` and `fixed`, arrays, objects with any key for maps (they have no prototype), a union of literals for an
 * enum, an object for a record, all of its fields present. A union is the TypeScript union of its branches as long as
 * JavaScript tells them apart: at most one of {int, long, float, double}, {string, enum}, {bytes, fixed}, {record, error,
 * map}. Otherwise a value of the union is `{ 'branch.Name': value }`, and null stays null. A logical type is its underlying
 * type, or, if `ValueOptions.logicalTypes` has a class for it and it is valid, what the `_fromValue` of that class returns
 * (`unknown` if it is not public).
 *
 * A schema whose literals are lost (type `string` instead of `'int'`) gives `unknown`. Records nest some 25 levels before the
 * compiler gives up, unless the inner ones are constants.
 */
export type InferOutput<S, O extends ValueOptions = ValueOptions> = Value<S, '', 'output', O, S>;

/**
 * What a codec takes for schema `S`: as `InferOutput`, but fields with a default may be absent or undefined, arrays may be
 * readonly, and `bytes` and `fixed` are any `Uint8Array`.
 */
export type InferInput<S, O extends ValueOptions = ValueOptions> = Value<S, '', 'input', O, S>;

/** Short for `InferOutput`. To name a type, recursive ones too: `interface City extends Infer<typeof City> {}`. */
export type Infer<S, O extends ValueOptions = ValueOptions> = InferOutput<S, O>;

// Values. `D` is the direction, `O` the options, `Root` the schema in which names are looked up.

type Direction = 'input' | 'output';

interface Primitive<D extends Direction, O> {
  null: null;
  boolean: boolean;
  int: number;
  long: O extends { readonly longs: 'bigint' } ? bigint : number;
  float: number;
  double: number;
  bytes: Bytes<D>;
  string: string;
}

type Bytes<D extends Direction> = D extends 'input' ? Uint8Array : Buffer;

type Items<T, D extends Direction> = D extends 'input' ? readonly T[] : T[];

type Classes<O> = O extends { readonly logicalTypes: infer T }
  ? T extends 'standard'
    ? typeof standardLogicalTypes
    : T
  : unknown;

/** Where the specification's logical types are valid. Elsewhere, as without a class, a value is of its underlying type. */
interface Underlying {
  date: { readonly type: 'int' };
  'time-millis': { readonly type: 'int' };
  'time-micros': { readonly type: 'long' };
  'timestamp-millis': { readonly type: 'long' };
  'timestamp-micros': { readonly type: 'long' };
  'timestamp-nanos': { readonly type: 'long' };
  'local-timestamp-millis': { readonly type: 'long' };
  'local-timestamp-micros': { readonly type: 'long' };
  'local-timestamp-nanos': { readonly type: 'long' };
  decimal: { readonly type: 'bytes' | 'fixed'; readonly precision: number };
  uuid: { readonly type: 'string' } | { readonly type: 'fixed'; readonly size: 16 };
  duration: { readonly type: 'fixed'; readonly size: 12 };
}

/** The class that converts values of `S`; never without one. */
type ClassOf<S, O> = S extends { readonly logicalType: infer Name extends keyof Classes<O> }
  ? Name extends keyof Underlying
    ? S extends Underlying[Name]
      ? Classes<O>[Name]
      : never
    : Classes<O>[Name]
  : never;

/** The values of a logical type's class. */
type Converted<Class, D extends Direction> = Class extends new (
  ...args: never[]
) => infer Instance
  ? D extends 'input'
    ? Instance extends { _toValue(value: infer T): unknown }
      ? T
      : unknown
    : Instance extends { _fromValue(value: never): infer T }
      ? T
      : unknown
  : unknown;

/** The type of the values of `S`, a schema inside namespace `Space` of `Root`. */
export type Value<S, Space extends string, D extends Direction, O, Root> = [string] extends [S]
  ? unknown
  : S extends PrimitiveName
    ? Primitive<D, O>[S]
    : S extends string
      ? Referred<Lookup<Qualified<S, Space>, Root>, D, O, Root>
      : S extends readonly unknown[]
        ? Union<S, Space, D, O, Root>
        : S extends Written<infer Output, infer Input>
          ? { output: Output; input: Input }[D]
          : [ClassOf<S, O>] extends [never]
            ? Bare<S, Space, D, O, Root>
            : Converted<ClassOf<S, O>, D>;

/** Of a schema that is an object, without its logical type. */
type Bare<S, Space extends string, D extends Direction, O, Root> =
  S extends RecordLike<infer Fields>
    ? D extends 'input'
      ? InputRecord<Fields[number], SpaceIn<S, Space>, O, Root>
      : { [F in Fields[number] as F['name']]: Value<F['type'], SpaceIn<S, Space>, D, O, Root> }
    : S extends { readonly type: 'array'; readonly items: infer T }
      ? Items<Value<T, Space, D, O, Root>, D>
      : S extends { readonly type: 'map'; readonly values: infer Values }
        ? { [key: string]: Value<Values, Space, D, O, Root> }
        : S extends { readonly type: 'enum'; readonly symbols: infer Symbols extends readonly string[] }
          ? Symbols[number]
          : S extends { readonly type: 'fixed' }
            ? Bytes<D>
            : S extends { readonly type: infer Name extends PrimitiveName }
              ? Primitive<D, O>[Name]
              : unknown;

type Referred<Found, D extends Direction, O, Root> = [Found] extends [never]
  ? unknown
  : Found extends { schema: infer S; space: infer Space extends string }
    ? Value<S, Space, D, O, Root>
    : never;

type Defaulted = { readonly default: unknown };

/** `& {}` makes editors show the members instead of the two halves. */
type InputRecord<F extends FieldLike, Space extends string, O, Root> = [Extract<F, Defaulted>] extends [never]
  ? { [P in F as P['name']]: Value<P['type'], Space, 'input', O, Root> }
  : Flat<
      { [P in Exclude<F, Defaulted> as P['name']]: Value<P['type'], Space, 'input', O, Root> } & {
        [P in Extract<F, Defaulted> as P['name']]?: Value<P['type'], Space, 'input', O, Root> | undefined;
      }
    >;

type Flat<T> = { [K in keyof T]: T[K] } & {};

// Unions.

/** The first case is the most frequent one and can never be ambiguous, so it is decided without looking names up. */
type Union<U extends readonly unknown[], Space extends string, D extends Direction, O, Root> = U extends
  | readonly ['null', infer T]
  | readonly [infer T, 'null']
  ? null | Value<T, Space, D, O, Root>
  : Ambiguous<U, Space, Root> extends true
    ? { [I in keyof U]: Branch<U[I], Space, D, O, Root> }[number]
    : { [I in keyof U]: Value<U[I], Space, D, O, Root> }[number];

type Branch<S, Space extends string, D extends Direction, O, Root> = S extends 'null'
  ? null
  : { [Name in BranchName<S, Space>]: Value<S, Space, D, O, Root> };

type BranchName<S, Space extends string> = S extends PrimitiveName
  ? S
  : S extends string
    ? Qualified<S, Space>
    : S extends { readonly name: string }
      ? NameIn<S, Space>
      : S extends { readonly type: infer Type extends string }
        ? Type
        : never;

type Ambiguous<U, Space extends string, Root, Seen = never> = U extends readonly [infer First, ...infer Rest]
  ? Kind<First, Space, Root> extends Seen
    ? true
    : Ambiguous<Rest, Space, Root, Seen | Kind<First, Space, Root>>
  : false;

/** What JavaScript sees of a branch. */
type Kind<S, Space extends string, Root> = S extends PrimitiveName
  ? KindOf<S>
  : S extends string
    ? Lookup<Qualified<S, Space>, Root> extends { schema: { readonly type: infer Type } }
      ? KindOf<Type>
      : never
    : S extends { readonly type: infer Type }
      ? KindOf<Type>
      : never;

type KindOf<Type> = Type extends 'int' | 'long' | 'float' | 'double'
  ? 'number'
  : Type extends 'string' | 'enum'
    ? 'string'
    : Type extends 'bytes' | 'fixed'
      ? 'buffer'
      : Type extends 'record' | 'error' | 'map'
        ? 'object'
        : Type;
