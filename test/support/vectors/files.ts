/** All cases as the texts of the files in `spec/vectors`. */

import { blobSessions } from './blob-sessions.js';
import { callSessions } from './call-sessions.js';
import { compressionCases } from './compression-cases.js';
import { errorSessions } from './error-sessions.js';
import * as frameCases from './frame-cases.js';
import { lateSessions } from './late-sessions.js';
import * as messageCases from './message-cases.js';
import * as recordCases from './record-cases.js';
import { refusedCallSessions } from './refused-call-sessions.js';
import { schemaSessions } from './schema-sessions.js';
import { streamSessions } from './stream-sessions.js';

const LINE_CHARACTERS = 120;

/** Path below `spec/vectors` -> text. */
export function vectorFiles(): Map<string, string> {
  const files = new Map<string, unknown>([
    ['frames/preface.json', frameCases.preface],
    ['frames/header.json', frameCases.header],
    ['frames/metadata.json', messageCases.metadata],
    ['frames/checksum.json', frameCases.checksums],
    ['frames/hello.json', recordCases.hello],
    ['frames/method.json', recordCases.method],
    ['frames/schema.json', recordCases.schema],
    ['frames/request.json', messageCases.requests],
    ['frames/response.json', messageCases.responses],
    ['frames/item.json', messageCases.items],
    ['frames/end.json', messageCases.ends],
    ['frames/failure.json', recordCases.failure],
    ['frames/cancel.json', recordCases.cancel],
    ['frames/credit.json', frameCases.credits],
    ['frames/ping.json', frameCases.pings],
    ['frames/pong.json', frameCases.pongs],
    ['frames/drain.json', recordCases.drain],
    ['frames/close.json', recordCases.close],
    ['messages/compression.json', { cases: compressionCases }],
  ]);
  for (const sessions of [
    callSessions,
    schemaSessions,
    errorSessions,
    refusedCallSessions,
    streamSessions,
    blobSessions,
    lateSessions,
  ]) {
    for (const [name, session] of Object.entries(sessions)) files.set(`sessions/${name}.json`, session);
  }
  return new Map([...files].map(([path, value]) => [path, `${layOut(value, '')}\n`]));
}

/** JSON with what fits a line on one line, so that a frame reads as a row. */
function layOut(value: unknown, indent: string): string {
  const flat = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (indent.length + flat.length <= LINE_CHARACTERS) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + layOut(item, inner)).join(',\n')}\n${indent}]`;
  const members = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${layOut(item, inner)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}
