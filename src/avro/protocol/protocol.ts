/**
 * Avro protocols, from `.avpr` (JSON) and `.avdl` (IDL) files, as plain descriptions: per message the schemas of request, response
 * and errors, each complete by itself. `serviceFromProtocol` makes a service of one, to be served and called like any other.
 *
 * What TypeScript knows of such a service is the kinds of its methods: files are read when the program runs, so requests and
 * responses are `unknown`. Schemas written in place (`service.ts`) have types.
 *
 * - A request is the record of the message's parameters. It is called like the message, without a namespace, as in Apache's
 *   recorded messages; with `_` behind it where that is a name of Avro's own (`string`), and with the protocol's full name as
 *   its namespace where the protocol has a type of that very name.
 * - A one-way message has the response null and no errors.
 * - Errors are the union `["string", ...declared]` of the specification; the string stands for errors that are not declared.
 * - Types may be used before they are defined, as IDL allows. An import brings in types and messages.
 */
import { RpcError } from '../../base/errors.js';
import type { LogicalTypesOption } from '../logical/conversions.js';
import { isJsonObject, type JsonObject } from '../schema/json.js';
import type { FieldNode, RecordNode, SchemaJson, SchemaNode, UnionNode } from '../schema/schema.js';
import { isNamed } from '../schema/schema.js';
import { checkName, isReserved, SchemaParser } from '../schema/schema-parser.js';
import { schemaJsonOf } from '../schema/schema-writer.js';
import type { Longs } from '../service/infer.js';
import type { ErrorSchema, Method } from '../service/method.js';
import { untypedMethod } from '../service/method.js';
import { defineService, type ServiceDefinition, type ServiceOptions } from '../service/service.js';
import { loadUnits, type ProtocolUnit } from './protocol-units.js';

export interface ProtocolMessage {
  readonly name: string;
  readonly doc: string | undefined;
  /** Schema of a record, the parameters being its fields. */
  readonly request: SchemaJson;
  /** Schema of the response; `"null"` for a one-way message. */
  readonly response: SchemaJson;
  /** The union `["string", ...declared errors]`; null when the message declares none. */
  readonly errors: readonly SchemaJson[] | null;
  readonly oneWay: boolean;
}

export interface ProtocolDescription {
  /** With namespace: `org.apache.avro.test.Simple`. */
  readonly name: string;
  readonly doc: string | undefined;
  /** Every named type, by full name. */
  readonly types: Readonly<Record<string, SchemaJson>>;
  readonly messages: readonly ProtocolMessage[];
}

/**
 * Reads a protocol: a path to an `.avpr` or `.avdl` file, or the text of one. Throws an `RpcError` that says what is wrong and where:
 * NOT_FOUND for a file that cannot be read, else INVALID_ARGUMENT.
 */
export function readProtocol(pathOrText: string): ProtocolDescription {
  const units = loadUnits(pathOrText);
  const root = units[units.length - 1];
  // Limits hold for each message by itself, when its codec is made.
  const parser = new SchemaParser({ forwardReferences: true, limits: { schemaPartsMax: Number.POSITIVE_INFINITY } });
  for (const unit of units) {
    for (const type of unit.types) located(unit.source, () => parser.parse(type, unit.namespace));
  }
  located(root.source, () => parser.finish());
  const parsed = units.flatMap((unit) =>
    Object.entries(unit.messages).map(([name, json]) =>
      located(`${unit.source}: message ${name}`, () => parseMessage(parser, name, json, unit.namespace)),
    ),
  );
  const name = nameOf(root);
  checkRepetition(parsed);
  const definitions = parser.definitions();
  const taken = new Set(definitions.map((node) => node.name));
  return {
    name,
    doc: docOf(root.protocol),
    types: Object.fromEntries(definitions.map((node) => [node.name, schemaJsonOf(node)])),
    messages: parsed.map((message) => describe(message, requestName(message.name, name, taken))),
  };
}

/**
 * A service whose messages are known only at run time: values are `unknown`, and a method that the protocol does not have is
 * `undefined`. Calling a one-way message resolves with undefined once it is on its way.
 */
export type ProtocolService = ServiceDefinition<{
  readonly [name: string]: Method<'unary', unknown, unknown, readonly ErrorSchema[]>;
}>;

/**
 * A service with the messages of a protocol: a one-way message is a `oneway` method, any other a `unary` one. `protocol` is a
 * description, or what `readProtocol` takes.
 */
export function serviceFromProtocol(
  protocol: ProtocolDescription | string,
  options?: ServiceOptions<Longs | undefined, LogicalTypesOption | undefined>,
): ProtocolService;
export function serviceFromProtocol(
  protocol: ProtocolDescription | string,
  options: ServiceOptions<Longs | undefined, LogicalTypesOption | undefined> = {},
): ServiceDefinition {
  const description = typeof protocol === 'string' ? readProtocol(protocol) : protocol;
  const methods = description.messages.map((message) => [message.name, methodOf(message)] as const);
  return defineService(description.name, Object.fromEntries(methods), options);
}

function methodOf({ request, response, errors, oneWay }: ProtocolMessage): Method {
  if (oneWay) return untypedMethod('oneway', null, { request });
  return untypedMethod('unary', response, { request, errors: (errors ?? []).slice(1) });
}

/** A message whose types are found, but which has no record of its own yet. */
interface ParsedMessage {
  readonly name: string;
  readonly json: JsonObject;
  readonly parameters: readonly FieldNode[];
  readonly response: SchemaNode;
  readonly errors: readonly SchemaNode[];
  readonly oneWay: boolean;
}

function parseMessage(parser: SchemaParser, name: string, json: unknown, namespace: string): ParsedMessage {
  checkName(name, 'a message', '');
  if (!isJsonObject(json)) throw wrong('it is not a JSON object');
  const { request, response, errors = [], 'one-way': oneWay = false } = json;
  if (typeof oneWay !== 'boolean') throw wrong('one-way must be true or false');
  if (response === undefined && !oneWay) throw wrong('it needs a response');
  if (!Array.isArray(errors)) throw wrong('its errors are no list');
  if (!Array.isArray(request)) throw wrong('it needs a list of parameters as its request');
  const parsed = {
    name,
    json,
    parameters: parser.parameters(request, namespace, name),
    response: parser.parse(response ?? 'null', namespace, 'response'),
    errors: errors.map((error: unknown) => parser.parse(error, namespace, 'errors')),
    oneWay,
  };
  parser.finish();
  checkParts(parsed);
  return parsed;
}

function checkParts({ response, errors, oneWay }: ParsedMessage): void {
  for (const error of errors) {
    const label = isNamed(error) ? error.name : error.kind;
    if (error.kind !== 'record' || !error.isError)
      throw wrong(`${label} is among its errors, but is not declared as an error`);
  }
  if (new Set(errors).size !== errors.length) throw wrong('one of its errors is declared twice');
  if (!oneWay) return;
  if (response.kind !== 'null') throw wrong('it is one-way, so its response must be null');
  if (errors.length > 0) throw wrong('it is one-way, so it cannot have errors');
}

/** An import may bring a message that is there already. */
function checkRepetition(messages: readonly ParsedMessage[]): void {
  const names = new Set<string>();
  for (const { name } of messages) {
    if (names.has(name)) throw wrong(`the message ${name} is defined twice`);
    names.add(name);
  }
}

function requestName(message: string, protocol: string, taken: ReadonlySet<string>): string {
  const name = isReserved(message) ? `${message}_` : message;
  return taken.has(name) ? `${protocol}.${name}` : name;
}

function describe(message: ParsedMessage, record: string): ProtocolMessage {
  const { name, json, parameters, response, errors, oneWay } = message;
  const request: RecordNode = {
    kind: 'record',
    name: record,
    aliases: [],
    isError: false,
    fields: parameters,
    attributes: {},
  };
  const union: UnionNode = { kind: 'union', branches: [{ kind: 'string', attributes: {} }, ...errors] };
  return {
    name,
    doc: docOf(json),
    request: schemaJsonOf(request),
    response: schemaJsonOf(response),
    errors: errors.length === 0 ? null : schemaJsonOf(union),
    oneWay,
  };
}

function nameOf({ name, namespace }: ProtocolUnit): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function docOf({ doc }: JsonObject): string | undefined {
  return typeof doc === 'string' ? doc : undefined;
}

/** Says in which file and message something is wrong. */
function located<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof RpcError)) throw cause;
    throw new RpcError(cause.code, `${place}: ${cause.message}`, { cause });
  }
}

function wrong(text: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', text);
}
