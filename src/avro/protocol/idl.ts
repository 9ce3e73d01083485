/**
 * Avro IDL (`.avdl`) to the JSON of an Avro protocol. The language is read by avsc; this file gives it text, without giving it files:
 * imports are collected, not followed, since avsc would read the messages of an imported protocol in the wrong namespace.
 *
 * Where avsc departs from the specification of the language:
 * - `void` without `oneway` is a response of null, not a one-way message; an option of avsc says so.
 * - `time_ms` is an int; avsc has it as a long. `uuid` and `local_timestamp_ms` are added.
 * - Not understood: `decimal(p, s)`, types with `?`, several variables in one declaration, files without a protocol. They are
 *   errors with line and column.
 *
 * Called by `protocol-units.ts`.
 */
import { RpcError } from '../../base/errors.js';
import { isMissing, requirePackage } from '../../base/optional-package.js';
import { isJsonObject } from '../schema/json.js';

/** What an IDL file says: a protocol as in an `.avpr` file, and what it imports. */
export interface IdlProtocol {
  readonly protocol: unknown;
  readonly imports: readonly IdlImport[];
}

export interface IdlImport {
  readonly kind: 'idl' | 'protocol' | 'schema';
  /** As written in the file: relative to it. */
  readonly path: string;
}

const typeRefs = {
  date: { type: 'int', logicalType: 'date' },
  time_ms: { type: 'int', logicalType: 'time-millis' },
  timestamp_ms: { type: 'long', logicalType: 'timestamp-millis' },
  local_timestamp_ms: { type: 'long', logicalType: 'local-timestamp-millis' },
  uuid: { type: 'string', logicalType: 'uuid' },
};

/** What avsc gets instead of an imported file: nothing to merge, or for a schema a type that is removed again. */
const stubs: Readonly<Record<IdlImport['kind'], string>> = {
  idl: 'protocol Imported {}',
  protocol: '{}',
  schema: '{"type":"null","imported":true}',
};

type ImportHook = (path: string, kind: IdlImport['kind'], done: (error: unknown, text?: string) => void) => void;
type Assemble = (path: string, options: object, done: (error: Error | null, protocol?: unknown) => void) => void;

/** avsc takes 1 MB of heap; few programs read IDL, so it is loaded by the first that does. */
let assemble: Assemble | null = null;

function assembler(): Assemble {
  if (assemble === null) {
    assemble = loaded().assembleProtocol;
  }
  return assemble;
}

function loaded(): { readonly assembleProtocol: Assemble } {
  try {
    return requirePackage('avsc');
  } catch (cause) {
    const missing = isMissing(cause, 'avsc');
    if (!missing && !(cause instanceof EvalError)) throw cause;
    const text = missing
      ? 'Avro IDL is read by avsc, which is not installed beside this bundle: npm install avsc, or give the protocol as JSON'
      : 'Avro IDL is read by avsc, which cannot work where code may not be generated: give the protocol as JSON';
    throw new RpcError('FAILED_PRECONDITION', text, { cause });
  }
}

/** Reads IDL text. `name` is what errors call it. Throws an `RpcError` (INVALID_ARGUMENT) with the line and column. */
export function readIdl(text: string, name: string): IdlProtocol {
  const imports: IdlImport[] = [];
  let isRoot = true;
  const importHook: ImportHook = (path, kind, done) => {
    if (!isRoot) imports.push({ kind, path });
    const content = isRoot ? text : stubs[kind];
    isRoot = false;
    done(null, content);
  };
  checkAnnotations(text, name);
  let result: { error: Error | null; protocol?: unknown } | undefined;
  // The hook answers at once, so avsc does too.
  assembler()('.', { importHook, typeRefs, ackVoidMessages: true }, (error, protocol) => {
    result = { error, protocol };
  });
  if (result === undefined || result.error !== null) throw syntaxError(name, result?.error);
  return { protocol: withoutStubs(result.protocol), imports };
}

/** At the end of the text avsc looks for the parenthesis of an annotation forever. */
function checkAnnotations(text: string, name: string): void {
  const code = text.replaceAll(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  if (code.lastIndexOf('@') > code.lastIndexOf('('))
    throw syntaxError(name, new Error('an annotation needs a value in parentheses'));
}

function withoutStubs(protocol: unknown): unknown {
  if (!isJsonObject(protocol)) return protocol;
  const { types = [] } = protocol;
  if (!Array.isArray(types)) return protocol;
  return { ...protocol, types: types.filter((type) => !(isJsonObject(type) && type['imported'] === true)) };
}

function syntaxError(
  name: string,
  cause: (Error & { lineNum?: number; colNum?: number }) | null | undefined,
): RpcError {
  const { message = 'it cannot be read', lineNum, colNum } = cause ?? {};
  const place = lineNum === undefined ? name : `${name}:${lineNum}:${colNum}`;
  return new RpcError('INVALID_ARGUMENT', `${place}: ${message}`, { cause });
}
