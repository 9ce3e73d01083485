/**
 * TypeScript types of the values of an Avro schema that is written in place, without a code generator.
 *
 * Types only, apart from `schema()`, which returns what it is given. The types follow what the codec (`codec.ts`) reads and
 * writes, and never say more than it guarantees. Recursion is safe: a record's fields are members of a mapped type, which the
 * compiler resolves only when they are looked at, and Avro can recurse only through records. Names are looked up in the whole
 * schema (`Root`) only when one occurs, so a schema without references costs nothing but its own walk.
 *
 * Used by `service.ts` for requests, responses and errors, and by applications through `Infer`.
 */

/** Avro's primitive types. */
export type PrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

interface NamedSchema {
  /** `[A-Za-z_][A-Za-z0-9_]*`, or a full name with dots, which then also sets the namespace. */
  readonly name: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
  readonly doc?: string;
}

/** A primitive type with attributes, such as `{ type: 'long', logicalType: 'timestamp-millis' }`. */
export interface PrimitiveSchema {
  readonly type: PrimitiveName;
  readonly logicalType?: string;
}

/** One field of a record. A field with a `default` may be left out when a value is written. */
export interface FieldSchema {
  readonly name: string;
  readonly type: Schema;
  readonly default?: unknown;
  readonly order?: 'ascending' | 'descending' | 'ignore';
  readonly aliases?: readonly string[];
  readonly doc?: string;
}

export interface RecordSchema extends NamedSchema {
  /** An `error` is a record that may stand in a method's `errors`. */
  readonly type: 'record' | 'error';
  readonly fields: readonly FieldSchema[];
}

export interface EnumSchema extends NamedSchema {
  readonly type: 'enum';
  readonly symbols: readonly string[];
  readonly default?: string;
}

export interface FixedSchema extends NamedSchema {
  readonly type: 'fixed';
  readonly size: number;
  readonly logicalType?: string;
}

export interface ArraySchema {
  readonly type: 'array';
  readonly items: Schema;
}

export interface MapSchema {
  readonly type: 'map';
  readonly values: Schema;
}

/** An Avro schema as JSON. A string is a primitive type or the name of a type defined earlier in the same schema. */
export type Schema =
  | PrimitiveName
  | (string & {})
  | PrimitiveSchema
  | RecordSchema
  | EnumSchema
  | FixedSchema
  | ArraySchema
  | MapSchema
  | readonly Schema[];

/** How values are represented, beyond what the schema says. */
export interface ValueOptions {
  /** JavaScript type of Avro's `long`. Default `'number'`: values beyond +-(2^53 - 2) are errors, never rounded. */
  readonly longs?: 'number' | 'bigint' | undefined;
}

/**
 * What a codec gives for schema `S`, and what `Infer` means: null, boolean, number (`long`: see `ValueOptions.longs`), string,
 * Buffer for `bytes` and `fixed`, arrays, objects with any key for maps (they have no prototype), a union of literals for an
 * enum, an object for a record, all of its fields present. A union is the TypeScript union of its branches as long as
 * JavaScript tells them apart: at most one of {int, long, float, double}, {string, enum}, {bytes, fixed}, {record, error,
 * map}. Otherwise a value of the union is `{ 'branch.Name': value }`, and null stays null. A logical type is its underlying
 * type.
 *
 * A schema whose literals are lost (type `string` instead of `'int'`) gives `unknown`.
 */
export type InferOutput<S, O extends ValueOptions = ValueOptions> = Value<S, '', 'output', O, S>;

/** What a codec takes for schema `S`: as `InferOutput`, but fields with a default may be absent or undefined. */
export type InferInput<S, O extends ValueOptions = ValueOptions> = Value<S, '', 'input', O, S>;

/** Short for `InferOutput`. To name a type, recursive ones too: `interface City extends Infer<typeof City> {}`. */
export type Infer<S, O extends ValueOptions = ValueOptions> = InferOutput<S, O>;

/**
 * Keeps the literals of a schema constant, so that its types can be inferred; the value is returned as it is.
 * `const City = schema({ type: 'record', name: 'City', fields: [{ name: 'id', type: 'long' }] })`. An object `as const` does the same, but is
 * checked only where it is used. A name that is neither a primitive type nor defined in the schema is a compile error.
 */
export function schema<const S extends Schema>(definition: S & Checked<S>): S {
  return definition;
}

/** `unknown` when every name in the schema is defined in it; otherwise a type that no schema fits, which says the name. */
export type Checked<S> = [UndefinedName<S>] extends [never]
  ? unknown
  : { readonly 'this name is neither an Avro type nor defined in this schema': UndefinedName<S> };

type UndefinedName<S> = Exclude<Reference<S, ''>, Definition<S, ''>['name']>;

/** Full name of a named schema. */
export type SchemaName<S> = NameIn<S, ''>;

// Names. `Space` is the namespace that holds where a schema stands.

type Qualified<Name extends string, Space extends string> = Name extends `.${infer Rest}`
  ? Rest
  : Name extends `${string}.${string}`
    ? Name
    : Space extends ''
      ? Name
      : `${Space}.${Name}`;

type NameIn<S, Space extends string> = S extends { readonly name: infer Name extends string }
  ? Qualified<Name, S extends { readonly namespace: infer Own extends string } ? Own : Space>
  : never;

/** The namespace inside a named schema: that of its full name. */
type SpaceIn<S, Space extends string> = S extends { readonly name: infer Name extends `${string}.${string}` }
  ? Parent<Name>
  : S extends { readonly namespace: infer Own extends string }
    ? Own
    : Space;

type Parent<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? Tail extends `${string}.${string}`
    ? `${Head}.${Parent<Tail>}`
    : Head
  : '';

type RecordLike<Fields extends readonly FieldSchema[]> = { readonly type: 'record' | 'error'; readonly fields: Fields };

/** Every named type that a schema defines, as a union; the namespace inside it goes along. */
type Definition<S, Space extends string> = [string] extends [S]
  ? never
  : S extends string
    ? never
    : S extends readonly unknown[]
      ? { [I in keyof S]: Definition<S[I], Space> }[number]
      : S extends RecordLike<infer Fields>
        ?
            | { name: NameIn<S, Space>; schema: S; space: SpaceIn<S, Space> }
            | Definition<Fields[number]['type'], SpaceIn<S, Space>>
        : S extends { readonly type: 'enum' | 'fixed' }
          ? { name: NameIn<S, Space>; schema: S; space: Space }
          : S extends { readonly type: 'array'; readonly items: infer Items }
            ? Definition<Items, Space>
            : S extends { readonly type: 'map'; readonly values: infer Values }
              ? Definition<Values, Space>
              : never;

/** Every name that a schema refers to, as a union of full names. */
type Reference<S, Space extends string> = [string] extends [S]
  ? never
  : S extends PrimitiveName
    ? never
    : S extends string
      ? Qualified<S, Space>
      : S extends readonly unknown[]
        ? { [I in keyof S]: Reference<S[I], Space> }[number]
        : S extends RecordLike<infer Fields>
          ? Reference<Fields[number]['type'], SpaceIn<S, Space>>
          : S extends { readonly type: 'array'; readonly items: infer Items }
            ? Reference<Items, Space>
            : S extends { readonly type: 'map'; readonly values: infer Values }
              ? Reference<Values, Space>
              : never;

type Lookup<Name, Root> = Extract<Definition<Root, ''>, { name: Name }>;

// Values. `D` is the direction, `O` the options, `Root` the schema in which names are looked up.

type Direction = 'input' | 'output';

interface Primitive<O> {
  null: null;
  boolean: boolean;
  int: number;
  long: O extends { readonly longs: 'bigint' } ? bigint : number;
  float: number;
  double: number;
  bytes: Buffer;
  string: string;
}

/** The type of the values of `S`, which stands in namespace `Space` of `Root`. */
export type Value<S, Space extends string, D extends Direction, O, Root> = [string] extends [S]
  ? unknown
  : S extends PrimitiveName
    ? Primitive<O>[S]
    : S extends string
      ? Referred<Lookup<Qualified<S, Space>, Root>, D, O, Root>
      : S extends readonly unknown[]
        ? Union<S, Space, D, O, Root>
        : S extends RecordLike<infer Fields>
          ? D extends 'input'
            ? InputRecord<Fields[number], SpaceIn<S, Space>, O, Root>
            : { [F in Fields[number] as F['name']]: Value<F['type'], SpaceIn<S, Space>, D, O, Root> }
          : S extends { readonly type: 'array'; readonly items: infer Items }
            ? Value<Items, Space, D, O, Root>[]
            : S extends { readonly type: 'map'; readonly values: infer Values }
              ? { [key: string]: Value<Values, Space, D, O, Root> }
              : S extends { readonly type: 'enum'; readonly symbols: infer Symbols extends readonly string[] }
                ? Symbols[number]
                : S extends { readonly type: 'fixed' }
                  ? Buffer
                  : S extends { readonly type: infer Name extends PrimitiveName }
                    ? Primitive<O>[Name]
                    : unknown;

type Referred<Found, D extends Direction, O, Root> = [Found] extends [never]
  ? unknown
  : Found extends { schema: infer S; space: infer Space extends string }
    ? Value<S, Space, D, O, Root>
    : never;

type Defaulted = { readonly default: unknown };

/** `& {}` makes editors show the members instead of the two halves. */
type InputRecord<F extends FieldSchema, Space extends string, O, Root> = [Extract<F, Defaulted>] extends [never]
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
