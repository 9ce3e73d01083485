/** `spec/protocol.md` against the code and against itself: the same numbers, full tables, an example that is right. */
import { readdirSync, readFileSync } from 'node:fs';
import avsc from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RpcCodes } from '../../src/base/codes.js';
import { type AnnouncedLimits, defaultLimits, minimumLimits } from '../../src/base/limits.js';
import { CloseCode, Flag, FrameType } from '../../src/wire/constants.js';
import { allowedFlags } from '../../src/wire/frame-rules.js';
import { methodKinds } from '../../src/wire/message-codec.js';
import { describeLimitOutOfRange } from '../../src/wire/records/hello.js';
import { kindSymbols } from '../support/record-view.js';
import { projectRoot } from '../support/root.js';
import { expandHex, type SessionFile } from '../support/vectors/view.js';

const text = readFileSync(new URL('spec/protocol.md', projectRoot), 'utf8');

/** The text under a heading, up to the next one of the same or a higher level. */
function section(heading: string): string {
  const start = text.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, `no heading ${heading}`);
  const level = heading.indexOf(' ');
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Cells of the table rows in a text, without heads and rules. */
function rows(part: string): string[][] {
  const tables = part.match(/(?:^\|.*\n)+/gm) ?? [];
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  );
}

/** Number and name from tables whose columns are pairs of them. */
function numbers(part: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const row of rows(part)) {
    for (let at = 0; at + 1 < row.length; at++) {
      const [number, name] = [row[at] as string, row[at + 1] as string];
      if (/^(?:0x)?[0-9a-f]+$/.test(number) && /^[A-Z_]+$/.test(name)) found[name] = Number(number);
    }
  }
  return found;
}

const plainNumber = (cell: string): number =>
  cell.startsWith('2^') ? 2 ** Number(cell.slice(2, 4)) - 1 : Number(cell.replaceAll(',', ''));

test('the registry and the code have the same numbers', () => {
  assert.equal(numbers(section('### 11.1 Frame types')), { ...FrameType });
  assert.equal(numbers(section('### 11.2 Flags')), { ...Flag });
  assert.equal(numbers(section('### 11.3 Close codes')), { ...CloseCode });
  assert.equal(numbers(section('### 11.4 Failure codes')), { ...RpcCodes });
});

test('the kinds of methods stand in the same order in the specification, the schema and the code', () => {
  const kinds = rows(section('### 6.3 Kinds')).map(([name, number]) => [name, Number(number)]);
  assert.equal(
    kinds,
    kindSymbols.map((name, number) => [name, number]),
  );
  const camel = kindSymbols.map((name) =>
    name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
  assert.equal(camel, [...methodKinds]);
  const schema = JSON.parse(readFileSync(new URL('spec/schemas/method.avsc', projectRoot), 'utf8')) as {
    fields: { name: string; type: { symbols?: string[] } }[];
  };
  assert.equal(schema.fields.find(({ name }) => name === 'kind')?.type.symbols, [...kindSymbols]);
});

test('each frame type has a chapter, and its flags there are those of chapter 3.4 and of the code', () => {
  const allowedOn = new Map(rows(section('### 3.4 Flags')).map((row) => [row[0] as string, row[3] as string]));
  Object.entries(FrameType).forEach(([name, number], index) => {
    const chapter = section(`### 5.${index + 1} ${name} (${number})`);
    const sentence = /(?:Flags?: ([^.;]*)|No flags)[.;]/.exec(chapter.replaceAll('\n', ' '));
    assert.ok(sentence, `${name}: no sentence about flags`);
    const inChapter = (sentence[1] ?? '')
      .split(',')
      .map((flag) => flag.trim())
      .filter((flag) => flag !== '' && flag !== 'CHECKSUM');
    const inTable = Object.keys(Flag).filter((flag) => allowedOn.get(flag)?.split(', ').includes(name));
    const inCode = Object.entries(Flag)
      .filter(([, bit]) => ((allowedFlags[number] as number) & bit) !== 0)
      .map(([flag]) => flag);
    assert.equal(inChapter.sort(), inTable.sort(), name);
    assert.equal(inCode.sort(), inTable.sort(), name);
  });
});

test('the limits that HELLO announces have the same defaults and ranges in the code', () => {
  const table = rows(section('### 10.1 Announced in HELLO'));
  assert.equal(
    table.map(([name]) => name?.replaceAll('`', '')),
    Object.keys(minimumLimits),
  );
  for (const [cell, , standard, least, most] of table) {
    const name = cell?.replaceAll('`', '') as keyof AnnouncedLimits;
    assert.is(plainNumber(standard as string), defaultLimits[name], `${name}: default`);
    assert.is(plainNumber(least as string), minimumLimits[name], `${name}: least`);
    const range = [plainNumber(least as string), plainNumber(most as string)];
    for (const value of range)
      assert.is(describeLimitOutOfRange({ ...defaultLimits, [name]: value }), null, `${name} ${value}`);
    for (const value of [(range[0] as number) - 1, (range[1] as number) + 1]) {
      assert.is.not(describeLimitOutOfRange({ ...defaultLimits, [name]: value }), null, `${name} ${value}`);
    }
  }
});

const columns = [...Object.keys(FrameType), 'OPT', 'BAD'];
const stateTables: readonly (readonly [heading: string, states: number])[] = [
  ['### 9.5 Connection state and frame', 7],
  ['### 9.6 Call state and frame', 7 + 7],
];
for (const [heading, states] of stateTables) {
  test(`${heading.slice(4)}: every state has an entry for every frame, in words that are explained`, () => {
    const part = section(heading);
    for (const head of part.match(/^\| state .*$/gm) ?? []) {
      assert.equal(
        head
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim())
          .slice(1),
        columns,
      );
    }
    const table = rows(part);
    assert.is(table.length, states);
    const prose = part.replaceAll(/^\|.*$/gm, '');
    for (const [state, ...cells] of table) {
      assert.is(cells.length, columns.length, state);
      for (const cell of cells) {
        assert.ok(cell !== '', `${state}: an empty cell`);
        // A legend begins `- word:`, `word:` or lists words before the colon.
        assert.match(
          prose,
          new RegExp(`(?:^|[\\s\`,])${cell}\`?(?:,[^.:]*)?(?: for [^:]*)?:`, 'm'),
          `${state}: ${cell} is not explained`,
        );
      }
    }
  });
}

test('Appendix A is the session of the vectors, byte for byte', () => {
  const session = JSON.parse(
    readFileSync(new URL('spec/vectors/sessions/unary-calls.json', projectRoot), 'utf8'),
  ) as SessionFile;
  const dump = section('## Appendix A: a session in bytes')
    .split('\n')
    .map((line) => /^ {4}((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2}.*)?$/.exec(line)?.[1] ?? '')
    .join('')
    .replaceAll(' ', '');
  const steps = session.steps.filter(({ wire }) => wire !== undefined);
  const shown = [...steps.slice(0, 4), ...steps.slice(-1)];
  assert.is(dump, shown.map(({ wire }) => expandHex(wire ?? '').toString('hex')).join(''));
});

test('every record has a schema that Avro accepts, and every schema is named in the specification', () => {
  const names = readdirSync(new URL('spec/schemas/', projectRoot));
  assert.equal(
    names.sort(),
    ['cancel', 'close', 'drain', 'failure', 'hello', 'metadata', 'method', 'schema'].map((name) => `${name}.avsc`),
  );
  for (const name of names) {
    const schema = JSON.parse(readFileSync(new URL(`spec/schemas/${name}`, projectRoot), 'utf8')) as avsc.Schema;
    avsc.Type.forSchema(schema, { wrapUnions: true });
  }
});

test('references to chapters lead somewhere', () => {
  const headings = new Set(Array.from(text.matchAll(/^#{2,3} (\d+(?:\.\d+)?) /gm), (match) => match[1]));
  const used = Array.from(
    text.matchAll(
      /(?:\(|\b(?:chapter|of|by|in|and|as|under) )(\d{1,2}\.\d{1,2}|(?<=chapter )\d{1,2})\b(?!,\d|\.\d| ms| s\b)/g,
    ),
    (match) => match[1],
  );
  assert.ok(used.length > 40, `${used.length} references`);
  for (const reference of used) {
    if (reference === '1.11' || reference === '1.2') continue;
    assert.ok(headings.has(reference), `there is no chapter ${reference}`);
  }
});

test.run();
