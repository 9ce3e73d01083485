/** The pages to look things up in have all that there is, with the values that the source has. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, defaultLimits, type Limits, minimumLimits, RpcCodes, Server } from '../../src/index.js';
import { pageAt, partsOf, tableRows } from './documents.js';
import { interfaces, publicOptions, sources, textsOfSource } from './source.js';

const reference = pageAt('docs/options-and-limits.md');
const parts = partsOf(reference.text);

/** The name in the first cell of a row. */
const nameOf = ([cell = '']: readonly string[]): string => /^`(\w+)`$/.exec(cell)?.[1] ?? '';

/** `4 MiB`, `1,000`, `16 KiB`, `` `Infinity` `` and `30,000 ms` as numbers; NaN for what is no value. */
function valueOf(text: string): number {
  const [, digits = '', unit] = /^`?([\d,.]+|Infinity)`?(?: (ms|s|KiB|MiB))?$/.exec(text) ?? [];
  const scale = unit === 'MiB' ? 2 ** 20 : unit === 'KiB' ? 2 ** 10 : 1;
  return digits === '' ? Number.NaN : Number(digits.replaceAll(',', '')) * scale;
}

test('every limit is listed, with its default and its minimum', () => {
  const told = tableRows(parts.get('Limits that the peer learns') ?? '').slice(1);
  const local = tableRows(parts.get('Limits of this side') ?? '').slice(1);
  assert.equal(told.map(nameOf), Object.keys(minimumLimits));
  const names = [...told, ...local].map(nameOf);
  assert.equal(names.toSorted(), Object.keys(defaultLimits).toSorted());
  for (const row of [...told, ...local]) {
    const name = nameOf(row) as keyof Limits;
    if (name === 'handlersMax') assert.is(row[1], 'as `callsInFlightMax`');
    else assert.is(valueOf(row[1]), defaultLimits[name], name);
  }
  for (const row of told) assert.is(valueOf(row[2]), minimumLimits[nameOf(row) as keyof typeof minimumLimits]);
});

test('limits of schemas are those of the source', () => {
  const rows = new Map(
    tableRows(parts.get('Limits that are the same for everybody') ?? '').map((row) => [nameOf(row), row]),
  );
  const text = sources.get('src/avro/schema/schema-limits.ts') ?? '';
  for (const name of interfaces().get('SchemaLimits')?.options ?? []) {
    const [, given = ''] =
      new RegExp(`\\*\\* [^*]*?Default ([\\d,]+(?: MiB)?)\\. \\*/\\s+readonly ${name}`).exec(text) ?? [];
    assert.is(valueOf(rows.get(name)?.[1] ?? ''), valueOf(given), name);
  }
});

test('every option of every table of options is listed, and no other', () => {
  const tables = publicOptions();
  assert.ok(tables.size > 20, [...tables.keys()].join(' '));
  for (const { name, options, extended } of tables.values()) {
    assert.ok(parts.has(name), `docs/options-and-limits.md has no part ${name}`);
    const part = parts.get(name) ?? '';
    const rows = tableRows(part).slice(1);
    assert.equal(rows.map(nameOf).toSorted(), options.toSorted(), name);
    for (const base of extended) {
      if (tables.has(base))
        assert.match(part, `](#${base.toLowerCase()})`, `${name} does not say that it has those of ${base}`);
    }
  }
  const listed = [...parts.keys()].filter((name) => name.endsWith('Options'));
  for (const name of listed) assert.ok(tables.has(name), `${name} is no table of options`);
});

/** The default of an option in its file: `name: 5` in a table, `name = 5` where it is taken apart, `name ?? 5`, or null. */
function defaultIn(path: string, name: string): number | null {
  const text = (sources.get(path) ?? '').replace(/^ *(?:\/\/|\*|\/\*).*$/gm, '');
  const value = '(\\d[\\d_.]*(?: \\* 1024)*|Infinity|Number\\.POSITIVE_INFINITY)\\b(?! ?[+*-] ?[a-z])';
  const match = new RegExp(`\\b${name}(?: =| \\?\\?|:) ${value}`).exec(text);
  if (match === null) return null;
  return match[1]
    .split(' * ')
    .map((factor) => (factor.endsWith('INFINITY') ? Infinity : Number(factor.replaceAll('_', ''))))
    .reduce((product, factor) => product * factor, 1);
}

test('options have the defaults that the source has', () => {
  const checked: string[] = [];
  for (const { name, path } of publicOptions().values()) {
    for (const row of tableRows(parts.get(name) ?? '').slice(1)) {
      const option = nameOf(row);
      const value = defaultIn(path, option);
      if (value === null || Number.isNaN(valueOf(row[1]))) continue;
      assert.is(valueOf(row[1]), value, `${name}.${option}`);
      checked.push(`${name}.${option}`);
    }
  }
  assert.ok(checked.length >= 30, checked.join(' '));
});

test('every code is listed with its number', () => {
  const rows = tableRows(partsOf(pageAt('docs/errors.md').text).get('Codes') ?? '').filter((row) => row.length === 5);
  assert.equal(
    rows.slice(1).map((row) => [nameOf(row), Number(row[1])]),
    Object.entries(RpcCodes),
  );
});

test('every field of an error is listed', () => {
  const rows = tableRows(partsOf(pageAt('docs/errors.md').text).get('The fields of an `RpcError`') ?? '').slice(1);
  const fields = interfaces().get('RpcErrorOptions')?.options ?? [];
  assert.equal(rows.map(nameOf).toSorted(), ['code', 'message', 'number', ...fields].toSorted());
});

/** The texts by which the page of troubleshooting is read. */
function quoted(text: string): string[] {
  return [...text.matchAll(/^### `(.+)`$/gm)].map(([, quote]) => quote);
}

/** Those that the source does not have. Text around what differs may be cut at it. */
function unknownTexts(quotes: readonly string[], texts: readonly string[]): string[] {
  return quotes.filter((quote) => {
    const pieces = quote.split('…').map((piece) => piece.trim());
    const found = (text: string): boolean => {
      let from = 0;
      return pieces.every((piece) => {
        const at = text.indexOf(piece, from);
        from = at + piece.length;
        return at >= 0;
      });
    };
    return !texts.some(found);
  });
}

test('every text of troubleshooting is one that the engine says', () => {
  const quotes = quoted(pageAt('docs/troubleshooting.md').text);
  assert.ok(quotes.length > 50);
  assert.equal(new Set(quotes).size, quotes.length);
  assert.equal(unknownTexts(quotes, textsOfSource()), []);
  assert.equal(unknownTexts(['cannot connekt to …', '… lists no endpoint'], textsOfSource()), ['cannot connekt to …']);
});

/** The names of all fields, also of what is inside. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);
}

test('what is shown of describe() has the fields that it has', async () => {
  const server = new Server();
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`);
  await channel.ready();
  const samples = pageAt('docs/observing.md').blocks.filter(({ code }) => code.includes('callsMade'));
  assert.is(samples.length, 1);
  const shown = [...samples[0].code.matchAll(/([a-z]\w+): /gi)].map(([, name]) => name);
  assert.equal([...new Set(shown)].sort(), [...new Set(fieldsOf(channel.describe()))].sort());
  await channel.close();
  await server.drain();
});

test.run();
