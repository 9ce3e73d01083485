/**
 * Lets a schema constant be used more than once inside another schema. In Avro a named type is defined once and referred to by name
 * after that; in TypeScript it is natural to write the constant again. So where the same object occurs again under the same full
 * name, it is replaced by the name. Everything else is left alone: two different objects with one name are still an error, which the
 * parser reports.
 *
 * Called by `source-codecs.ts` before a schema is compiled.
 */
import { isJsonObject, type JsonObject } from '../schema/json.js';

/** Deeper than any schema that the parser accepts, so that an object that contains itself reaches its error. */
const DEPTH_MAX = 128;

/** The schema with each repetition of a named type's object replaced by the type's name. The argument is not changed. */
export function shareNamedTypes(schema: unknown): unknown {
  return share(schema, '', new Map(), 0);
}

function share(json: unknown, namespace: string, seen: Map<string, unknown>, depth: number): unknown {
  if (depth > DEPTH_MAX) return json;
  if (Array.isArray(json)) return json.map((branch: unknown) => share(branch, namespace, seen, depth + 1));
  if (!isJsonObject(json)) return json;
  switch (json['type']) {
    case 'array':
      return { ...json, items: share(json['items'], namespace, seen, depth + 1) };
    case 'map':
      return { ...json, values: share(json['values'], namespace, seen, depth + 1) };
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed':
      return shareNamed(json, namespace, seen, depth);
    default:
      return json;
  }
}

function shareNamed(schema: JsonObject, enclosing: string, seen: Map<string, unknown>, depth: number): unknown {
  const { name, namespace = enclosing, fields } = schema;
  if (typeof name !== 'string' || typeof namespace !== 'string') return schema;
  const fullName = name.includes('.') || namespace === '' ? name.replace(/^\./, '') : `${namespace}.${name}`;
  if (seen.get(fullName) === schema) return fullName.includes('.') || enclosing === '' ? fullName : `.${fullName}`;
  seen.set(fullName, schema);
  if (!Array.isArray(fields)) return schema;
  const inside = fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
  return {
    ...schema,
    fields: fields.map((field: unknown) => {
      if (!isJsonObject(field)) return field;
      return { ...field, type: share(field['type'], inside, seen, depth + 1) };
    }),
  };
}
