/**
 * Avro schemas as TypeScript sees them: the shapes that JSON written in place may have, and the names in it. A schema's literals are
 * kept in its type, so that `infer.ts` can say what its values are, and a name that is not defined is a compile error.
 *
 * Types only, apart from `schema()` and `schemaOf()`, which return what they are given. Full checks are made when a schema is compiled
 * (`schema-parser.ts`); what is found here is found earlier.
 */

/** Avro's primitive types. */
export type PrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

interface Annotated {
  readonly logicalType?: string;
  /** Of a decimal: how many digits it has, and how many of them behind the point (default 0). */
  readonly precision?: number;
  readonly scale?: number;
}

interface NamedSchema extends Annotated {
  /** `[A-Za-z_][A-Za-z0-9_]*`, or a full name with dots, which then also sets the namespace. */
  readonly name: string;
  readonly namespace?: string;
  readonly aliases?: readonly string[];
  readonly doc?: string;
}

/** A primitive type with attributes, such as `{ type: 'long', logicalType: 'timestamp-millis' }`. */
export interface PrimitiveSchema extends Annotated {
  readonly type: PrimitiveName;
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
}

export interface ArraySchema extends Annotated {
  readonly type: 'array';
  readonly items: Schema;
}

export interface MapSchema extends Annotated {
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

/**
 * Keeps the literals of a schema constant, so that its types can be inferred; the value is returned as it is:
 * `const Id = schema({ type: 'record', name: 'Id', fields: [{ name: 'id', type: 'long' }] })`. An object `as const` does the same,
 * but is checked only where it is used. A name that is neither a primitive type nor defined in the schema is a compile error.
 */
export function schema<const S extends Schema>(definition: S & Checked<S>): S {
  return definition;
}

declare const values: unique symbol;

/** The mark of `SchemaOf`. */
export interface Written<Output, Input> {
  /** Only a type: there is no such property. */
  readonly [values]: { readonly output: Output; readonly input: Input };
}

/** A schema whose values have types that were written by hand. `Infer` is `Output`, `InferInput` is `Input`. */
export interface SchemaOf<Output, Input = Output> extends RecordSchema, Written<Output, Input> {}

/**
 * A schema that comes from a JSON file, of which TypeScript keeps no literals: `schemaOf<City>(cityJson)`. The value is returned as it
 * is. Nobody checks that the type agrees with the schema; values are checked against the schema when they are sent, as always.
 */
export function schemaOf<Output, Input = Output>(json: object): SchemaOf<Output, Input>;
export function schemaOf(json: object): object {
  return json;
}

/** `unknown` when every name in the schema is defined in it; otherwise a type that no schema fits, which says the name. */
export type Checked<S> = [UndefinedName<S>] extends [never]
  ? unknown
  : { readonly 'this name is neither an Avro type nor defined in this schema': UndefinedName<S> };

type UndefinedName<S> = Exclude<Reference<S, ''>, Definition<S, ''>['name']>;

/** Full name of a named schema. */
export type SchemaName<S> = NameIn<S, ''>;

// Names. `Space` is the namespace that holds where a schema stands.

export type Qualified<Name extends string, Space extends string> = Name extends `.${infer Rest}`
  ? Rest
  : Name extends `${string}.${string}`
    ? Name
    : Space extends ''
      ? Name
      : `${Space}.${Name}`;

export type NameIn<S, Space extends string> = S extends { readonly name: infer Name extends string }
  ? Qualified<Name, S extends { readonly namespace: infer Own extends string } ? Own : Space>
  : never;

/** The namespace inside a named schema: that of its full name. */
export type SpaceIn<S, Space extends string> = S extends { readonly name: infer Name extends `${string}.${string}` }
  ? Parent<Name>
  : S extends { readonly namespace: infer Own extends string }
    ? Own
    : Space;

type Parent<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? Tail extends `${string}.${string}`
    ? `${Head}.${Parent<Tail>}`
    : Head
  : '';

/** What a field needs so that its type can be found. To compare it with `FieldSchema` would walk through all that it embeds. */
export interface FieldLike {
  readonly name: string;
  readonly type: unknown;
}

export type RecordLike<Fields extends readonly FieldLike[]> = {
  readonly type: 'record' | 'error';
  readonly fields: Fields;
};

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

/** The definition of a full name in a schema; its `space` is the namespace inside it. */
export type Lookup<Name, Root> = Extract<Definition<Root, ''>, { name: Name }>;
