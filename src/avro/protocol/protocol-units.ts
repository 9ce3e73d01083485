/**
 * Protocol files and what they import, as units: the types and messages of one file, with the namespace in which its names stand.
 * Imported files come before the file that imports them, each once, so cycles of imports end.
 *
 * Reads files synchronously: services are defined while a program starts. Called by `protocol.ts`.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { reasonOf } from '../../base/error-values.js';
import { RpcError } from '../../base/errors.js';
import { isJsonObject, type JsonObject } from '../schema/json.js';
import { type IdlImport, type IdlProtocol, readIdl } from './idl.js';

export interface ProtocolUnit {
  /** The file, or its name in error messages. */
  readonly source: string;
  /** As written in the file; empty for a schema file. */
  readonly name: string;
  /** Namespace of names without one; empty for none. */
  readonly namespace: string;
  readonly types: readonly unknown[];
  readonly messages: JsonObject;
  /** The protocol as JSON; a schema file has none. */
  readonly protocol: JsonObject;
}

/** The units of a protocol, the protocol itself last. `pathOrText` is text when it has a brace in it. */
export function loadUnits(pathOrText: string): readonly ProtocolUnit[] {
  const loader = new Loader();
  if (pathOrText.includes('{')) loader.addText(pathOrText, 'protocol', null);
  else loader.addFile(resolve(pathOrText), pathOrText.endsWith('.avdl') ? 'idl' : 'protocol');
  return loader.units;
}

class Loader {
  readonly units: ProtocolUnit[] = [];
  private readonly seen = new Set<string>();

  addFile(path: string, kind: IdlImport['kind']): void {
    if (this.seen.has(path)) return;
    this.seen.add(path);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      throw new RpcError('NOT_FOUND', `${path} cannot be read: ${messageOf(cause)}`, { cause });
    }
    if (kind === 'schema') this.addSchemas(readJson(text, path), path);
    else if (kind === 'protocol') this.add(readJson(text, path), path);
    else this.addIdl(readIdl(text, path), path, dirname(path));
  }

  addText(text: string, name: string, folder: string | null): void {
    if (text.trimStart().startsWith('{')) this.add(readJson(text, name), name);
    else this.addIdl(readIdl(text, name), name, folder);
  }

  private addIdl({ protocol, imports }: IdlProtocol, source: string, folder: string | null): void {
    for (const { kind, path } of imports) {
      if (folder === null) throw wrong(source, `it imports ${path}; only a file can import, not a text`);
      this.addFile(resolve(folder, path), kind);
    }
    this.add(protocol, source);
  }

  private add(protocol: unknown, source: string): void {
    if (!isJsonObject(protocol)) throw wrong(source, 'a protocol is a JSON object');
    const { protocol: name, namespace, types = [], messages = {} } = protocol;
    if (typeof name !== 'string') throw wrong(source, 'a protocol needs a name');
    if (namespace !== undefined && typeof namespace !== 'string') throw wrong(source, 'its namespace is not a string');
    if (!Array.isArray(types) || !types.every(isJsonObject))
      throw wrong(source, 'its types are not a list of definitions');
    if (!isJsonObject(messages)) throw wrong(source, 'its messages are not an object');
    const dot = name.lastIndexOf('.');
    // As with types: the namespace in a name with dots is the one that counts.
    const space = dot < 0 ? (namespace ?? '') : name.slice(0, dot);
    this.units.push({ source, name, namespace: space, types, messages, protocol });
  }

  /** A file with one schema, or with a list of them. */
  private addSchemas(json: unknown, source: string): void {
    this.units.push({
      source,
      name: '',
      namespace: '',
      types: Array.isArray(json) ? json : [json],
      messages: {},
      protocol: {},
    });
  }
}

function readJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(source, `it is not JSON: ${messageOf(cause)}`, cause);
  }
}

function messageOf(error: unknown): string {
  return reasonOf(error);
}

function wrong(source: string, text: string, cause?: unknown): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${source}: ${text}`, { cause });
}
