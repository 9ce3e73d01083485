/**
 * What a schema could be in another version of the same program: a few random changes, some of which can be read, some not. Fields and types
 * are renamed with and without an alias, added with and without a default; types grow, shrink, become nullable or something else.
 */
import avro from 'avsc';
import { parseSchema } from '../../src/avro/schema/schema-parser.js';
import { schemaJsonOf } from '../../src/avro/schema/schema-writer.js';
import type { Random } from '../support/seed.js';
import { randomValue } from './random-schema.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const presets: Readonly<Record<string, Json>> = { null: null, int: 3, double: 1.5, string: 'new', boolean: true };

/** A place where a schema stands. */
interface Site {
  readonly json: Json;
  readonly replace: (json: Json) => void;
}

/** Another version of `schema`; it is valid, and may be the same. */
export function evolvedSchema(random: Random, schema: unknown): unknown {
  const original = JSON.stringify(schemaJsonOf(parseSchema(schema)));
  for (;;) {
    const root: { type: Json } = { type: JSON.parse(original) as Json };
    for (let changes = random.below(4); changes > 0; changes--) change(random, root);
    const text = random.oneIn(4) ? renamedType(random, JSON.stringify(root.type)) : JSON.stringify(root.type);
    const evolved: unknown = JSON.parse(text);
    try {
      avro.Type.forSchema(evolved as never);
      randomValue(random, parseSchema(evolved));
      return evolved;
    } catch {
      // A name without a definition, a union that is none, a default that no longer fits, a type without finite values.
    }
  }
}

function change(random: Random, root: { type: Json }): void {
  const sites: Site[] = [];
  collect(root, 'type', sites);
  const { json, replace } = random.pick(sites);
  if (random.oneIn(6)) return replace(otherType(random, json));
  if (Array.isArray(json)) return changeUnion(random, json);
  if (typeof json === 'string') {
    if (primitives.includes(json)) replace(random.pick(primitives));
  } else if (json !== null && typeof json === 'object') changeNamed(random, json);
}

function collect(holder: JsonObject | Json[], key: string | number, sites: Site[]): void {
  const json = (holder as JsonObject)[key] as Json;
  sites.push({
    json,
    replace: (other) => {
      (holder as JsonObject)[key] = other;
    },
  });
  if (Array.isArray(json)) json.forEach((_, index) => collect(json, index, sites));
  else if (typeof json === 'object' && json !== null) {
    if ('items' in json) collect(json, 'items', sites);
    if ('values' in json) collect(json, 'values', sites);
    for (const field of fieldsOf(json)) collect(field, 'type', sites);
  }
}

function fieldsOf(json: JsonObject): JsonObject[] {
  return Array.isArray(json['fields']) ? (json['fields'] as JsonObject[]) : [];
}

function otherType(random: Random, json: Json): Json {
  const wider = random.below(4);
  if (wider === 0 && !Array.isArray(json)) return ['null', json];
  if (wider === 1 && Array.isArray(json) && json.length > 0) return random.pick(json);
  if (wider === 2) return { type: random.pick(['array', 'map']), items: json, values: json };
  return random.pick(primitives);
}

function changeUnion(random: Random, branches: Json[]): void {
  const at = random.below(branches.length + 1);
  if (random.oneIn(3)) branches.splice(at, 1);
  else if (random.oneIn(2)) branches.splice(at, 0, random.pick(primitives));
  else branches.push(...branches.splice(0, 1));
}

function changeNamed(random: Random, json: JsonObject): void {
  const { symbols, size, type } = json;
  if (typeof size === 'number' && random.oneIn(2)) json['size'] = size + 1;
  if (Array.isArray(symbols)) {
    if (random.oneIn(2)) symbols.unshift('NEW');
    else if (symbols.length > 1) symbols.splice(random.below(symbols.length), 1);
    if (random.oneIn(2)) json['default'] = symbols[0] as Json;
  }
  if (Array.isArray(json['fields'])) changeFields(random, json['fields'] as JsonObject[]);
  if (type === 'record' && random.oneIn(5)) json['type'] = 'error';
}

function changeFields(random: Random, fields: JsonObject[]): void {
  const at = random.below(fields.length + 1);
  const name = `g${random.below(1_000)}`;
  const field = fields[at];
  switch (random.below(5)) {
    case 0: {
      const type = random.pick(Object.keys(presets));
      fields.splice(at, 0, { name, type, ...(random.oneIn(3) ? {} : { default: presets[type] as Json }) });
      break;
    }
    case 1:
      fields.splice(at, 1);
      break;
    case 2:
      if (field !== undefined)
        Object.assign(field, { name, ...(random.oneIn(3) ? {} : { aliases: [field['name'] as Json] }) });
      break;
    default:
      fields.push(...fields.splice(0, at));
  }
}

/** One type under another name or namespace, mostly with its old name as an alias. */
function renamedType(random: Random, text: string): string {
  const names = [...text.matchAll(/"name":"([^"]*T\d+)"/g)].map((match) => match[1] as string);
  if (names.length === 0) return text;
  const old = random.pick(names);
  const renamed = random.oneIn(2) ? `moved.${old.slice(old.lastIndexOf('.') + 1)}` : `${old}x`;
  const alias = random.oneIn(3) ? '' : `"aliases":["${old}"],`;
  return text.replaceAll(`"${old}"`, `"${renamed}"`).replace(`"name":"${renamed}"`, `${alias}"name":"${renamed}"`);
}
