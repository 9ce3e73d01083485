/** Proves of each tidy check that it can fail: small trees that it must object to, next to such that it must not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { castProblems, castsIn } from './casts.js';
import { committedTestProblems } from './committed-tests.js';
import { faultProblems } from './faults.js';
import { codeOnly, type FileTree, withoutComments } from './file-tree.js';
import {
  circleProblems,
  clockProblems,
  entryPoints,
  folderProblems,
  importsOf,
  layerProblems,
  packageImportProblems,
  purityProblems,
  unusedFileProblems,
} from './layers.js';
import { linkProblems as packageLinkProblems, packageProblems } from './package-contents.js';
import {
  anyProblems,
  headerProblems,
  indexProblems,
  markerProblems,
  nameProblems,
  sizeProblems,
  smallFileProblems,
} from './shape.js';
import { vectorProblems } from './vectors.js';

const tree = (files: Record<string, string>): FileTree => new Map(Object.entries(files));

/** One problem for each pattern, in order, and no other. */
function assertProblems(problems: readonly string[], ...patterns: readonly RegExp[]): void {
  assert.is(problems.length, patterns.length, `\n${problems.join('\n')}\n`);
  for (const [index, pattern] of patterns.entries()) assert.match(problems[index] ?? '', pattern);
}

test('strings, comments and regular expressions are told apart', () => {
  const text = `a('//', "it's"); // it's\nb(/['"/*]\\//g, c / d / e); f = \`\n'\`; /* " */ g('h')`;
  assert.is(withoutComments(text), text.replace("// it's", '       ').replace('/* " */', '       '));
  assert.is(codeOnly(text), `a('  ', "    ");        \nb(/         /, c / d / e); f = \`\n \`;         g(' ')`);
});

test('imports are found in each form, and not in comments', () => {
  const text = [
    `import a from './a.js';`,
    `import {\n  b,\n  type C,\n} from "./b.js";`,
    `import type { D } from './d.js';`,
    `export { e } from './e.js';`,
    `import './f.js';`,
    `const g = await import('./g.js');`,
    `const h: typeof import('./h.js') = require('./i.js');`,
    `// import './no.js';`,
    `/*\nimport './no.js';\n*/`,
  ].join('\n');
  const found = importsOf(text).map(({ specifier, lazy }) => `${specifier}${lazy ? ' lazy' : ''}`);
  assert.equal(found, ['./a.js', './b.js', './d.js', './e.js', './f.js', './g.js lazy', './h.js lazy', './i.js lazy']);
});

test('an import up or across the rooms is found, one down or inside a room is not', () => {
  assertProblems(
    layerProblems(
      tree({
        'src/index.ts': `export { a } from './client/a.js';`,
        'src/client/a.ts': `import '../base/errors.js';\nimport './b.js';\nimport '../wire/records/hello.js';`,
        'src/wire/decoder.ts': `import { x } from '../connection/x.js';`,
        'src/avro/codec/codec.ts': `import type { y } from '../../compression/y.js';\nimport '../schema/a.js';`,
        'src/wire/records/hello.ts': `import '../constants.js';\nimport '../../base/errors.js';`,
        'src/base/errors.ts': `\nimport '../index.js';`,
        'src/connection/streams/a.ts': `import '../messages/b.js';\nimport type { C } from '../calls/c.js';`,
        'src/connection/caller/a.ts': `import '../callee/b.js';`,
        'src/connection/a.ts': `import './caller/a.js';`,
        'src/stuff/a.ts': '',
        'src/connection/hall/a.ts': '',
      }),
    ),
    /^src\/wire\/decoder.ts:1: wire \(rank 3\) imports connection \(rank 6.7\)$/,
    /^src\/base\/errors.ts:2: base \(rank 1\) imports index.ts/,
    /^src\/connection\/streams\/a.ts:2: connection\/streams \(rank 6.3\) imports connection\/calls \(rank 6.4\)$/,
    /^src\/connection\/caller\/a.ts:1: .* imports connection\/callee/,
    /^src\/stuff\/a.ts: src\/stuff has no rank/,
    /^src\/connection\/hall\/a.ts: src\/connection\/hall has no rank/,
  );
});

test('a circle of imports is found, with the names that tie it, also one of types', () => {
  const files = {
    'src/a.ts': `import { type B, b } from './b.js';`,
    'src/b.ts': `import type { C } from './c.js';\nimport { e } from './e.js';`,
    'src/c.ts': `export {\n  d,\n} from './a.js';`,
    'src/e.ts': '',
    'src/f.ts': `import './a.js';\nimport { g } from './g.js';`,
    'src/g.ts': `const f = await import('./f.js');`,
  };
  assertProblems(
    circleProblems(tree(files)),
    /^a circle of 3 files: src\/a.ts takes \{ type B, b \} from src\/b.ts; src\/b.ts takes type \{ C \} from src\/c.ts; src\/c.ts takes \{ d, \} from src\/a.ts$/,
    /^a circle of 2 files: src\/f.ts takes \{ g \} from src\/g.ts; src\/g.ts/,
  );
  assertProblems(circleProblems(tree({ ...files, 'src/c.ts': '', 'src/g.ts': '' })));
});

test('a folder with too many files is found, files of folders inside it not counted', () => {
  const files = (folder: string, count: number): [string, string][] =>
    Array.from({ length: count }, (_, index) => [`${folder}/${index}.ts`, '']);
  assertProblems(
    folderProblems(new Map([...files('src/a', 20), ...files('src/a/b', 1), ...files('src/c', 21)])),
    /^src\/c: 21 files/,
  );
});

test('an import of a package is found where it is not allowed', () => {
  assertProblems(
    packageImportProblems(
      tree({
        'src/avro/type.ts': `import avro from 'avsc';\nimport { x } from 'node:fs';\nimport './codec.js';`,
        'src/compression/lz4.ts': `const lz4 = await import('lz4-napi');`,
        'src/base/native.ts': `const addon = require(path);`,
        'src/client/a.ts': `import lodash from 'lodash';`,
        'src/connection/a.ts': `import avro from 'avsc';`,
        'src/compression/a.ts': `import lz4 from 'lz4-napi';`,
        'src/server/a.ts': `await import(name);`,
      }),
    ),
    /client\/a.ts:1: imports lodash/,
    /connection\/a.ts:1: avsc is for src\/avro only/,
    /compression\/a.ts:1: lz4-napi is optional/,
    /server\/a.ts:1: imports a computed name/,
  );
});

test('a promise, a timer or a socket in wire/ is found, the word in a comment or a string is not', () => {
  assertProblems(
    purityProblems(
      tree({
        'src/wire/a.ts': `// async\nconst text = 'await the Promise';\nimport { crc32 } from 'node:zlib';`,
        'src/wire/b.ts': `import { Socket } from 'node:net';`,
        'src/wire/c.ts': `\nasync function c() {}`,
        'src/connection/d.ts': `await import('node:net');`,
      }),
    ),
    /wire\/b.ts:1: wire is pure and does without node:net/,
    /wire\/c.ts:2: wire is pure and does without async/,
  );
});

test('time and chance that are not injected are found', () => {
  assertProblems(
    clockProblems(
      tree({
        'src/base/clock.ts': 'setTimeout(f, 1); Date.now();',
        'src/cli/call.ts': 'setTimeout(f, 1)',
        'src/connection/a.ts': 'clock.setTimeout(1); socket.setTimeout(0); random ?? Math.random; // Date.now()',
        'src/channel/a.ts': '\nconst now = Date.now();',
        'src/resilience/a.ts': 'Math.random()',
      }),
    ),
    /channel\/a.ts:2: Date.now/,
    /resilience\/a.ts:1: Math.random/,
  );
});

test('a file that no entry point leads to is found, also when files import each other', () => {
  const exports = {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  };
  const entries = entryPoints({ exports, bin: { trunkline: 'dist/cli/main.js' } });
  assert.equal(entries, ['src/index.ts', 'src/cli/main.ts']);
  assertProblems(
    unusedFileProblems(
      tree({
        'src/index.ts': `export { a } from './client/a.js';`,
        'src/client/a.ts': `const b = await import('./b.js');`,
        'src/client/b.ts': '',
        'src/wire/c.ts': `import './d.js';`,
        'src/wire/d.ts': `import './c.js';`,
      }),
      entries,
    ),
    /src\/cli\/main.ts: offered, but not there/,
    /src\/wire\/c.ts: no entry point/,
    /src\/wire\/d.ts: no entry point/,
  );
});

test('anything but named re-exports in an index.ts is found', () => {
  assertProblems(
    indexProblems(
      tree({
        'src/index.ts': `/** All. */\nexport {\n  a,\n  type B,\n} from './a.js';\nexport type { C } from './c.js';\n`,
        'src/wire/index.ts': `export * from './a.js';`,
        'src/testing/index.ts': `export { a } from './a.js';\nexport const b = 1;`,
        'src/wire/a.ts': 'export const a = 1;',
      }),
    ),
    /src\/wire\/index.ts: .*export \*/,
    /src\/testing\/index.ts: .*const b/,
  );
});

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);

test('a long line, a long file and a long function are found', () => {
  const body = (count: number): string => lines(count, '    x();');
  assertProblems(
    sizeProblems(
      tree({
        'src/a/long-line.ts': `ok();\n// ${'x'.repeat(138)}`,
        'src/a/long-file.ts': lines(401, 'x();'),
        'src/a/short-file.ts': lines(400, 'x();'),
        'src/a/method.ts': `class A {\n  b(c: number): void {\n${body(69)}  }\n}\n`,
        'src/a/header.ts': `class A {\n  b(\n    c: number,\n  ): { d: number } {\n${body(69)}  }\n}\n`,
        'src/a/arrow.ts': `const a = {\n  b: () => {\n${body(69)}  },\n};\n`,
        'src/a/short.ts': `class A extends B(1) {\n  b() {\n${body(68)}  }\n\n  c() {\n${body(68)}  }\n}\n`,
        'src/a/loop.ts': `function a() {\n${body(30)}  for (const b of c) {\n  }\n  if (d) {\n  } else if (e) {\n  }\n${body(30)}}\n`,
      }),
    ),
    /long-line.ts:2: 141 characters/,
    /long-file.ts: 401 lines/,
    /method.ts:2: a function of 71 lines/,
    /header.ts:4: a function of 71 lines/,
    /arrow.ts:2: a function of 71 lines/,
  );
});

test('a small file is found, unless its concept is named', () => {
  const files = tree({
    'src/index.ts': 'x();',
    'src/a/small.ts': lines(19, 'x();'),
    'src/a/large.ts': lines(20, 'x();'),
    'src/a/concept.ts': 'x();',
  });
  assertProblems(smallFileProblems(files, { 'src/a/concept.ts': 'a concept' }), /src\/a\/small.ts: 19 lines/);
});

test('a source without a comment at its head is found', () => {
  assertProblems(
    headerProblems(
      tree({
        'src/a.ts': '/** What this is for, and who calls it. */\nimport x;',
        'src/cli/b.ts': '#!/usr/bin/env node\n/**\n * One command, and what it is for.\n */',
        'src/e.ts': '/** Paths such as src/e.ts, and what they are for. */',
        'src/c.ts': 'import x;\n/** What this is for, and who calls it. */',
        'src/d.ts': '/** */ const a = 1; /** One of the ones, and what it is for. */',
      }),
    ),
    /src\/c.ts/,
    /src\/d.ts/,
  );
});

test('file names without a meaning are found', () => {
  assertProblems(
    nameProblems(
      tree({ 'src/wire/utils.ts': '', 'test/helpers/a.ts': '', 'src/a/string-util.ts': '', 'src/utility.ts': '' }),
    ),
    /utils.ts/,
    /helpers/,
    /string-util/,
  );
});

test('a note of work left over is found', () => {
  assertProblems(
    markerProblems(tree({ 'src/a.ts': 'x();\n// TODO: y', 'src/b.ts': '// FIXME', 'src/c.ts': 'TODOS' })),
    /a.ts:2/,
    /b.ts:1/,
  );
});

test('only, skip and a forgotten run() are found, also of a suite; words in strings are not', () => {
  const imports = `import { suite, test } from 'uvu';\n`;
  assertProblems(
    committedTestProblems(
      tree({
        'test/good.test.ts': `${imports}const Wire = suite('x');\nWire('a', f);\ntest('test.only(', f);\ntest.run();\nWire.run();`,
        'test/type.ts': `import { suite } from 'uvu';\nexport const text = 'test.skip()';`,
        'test/only.test.ts': `${imports}test.only('a', f);\ntest.run();`,
        'test/skip.test.ts': `${imports}const maybe = there ? test : test.skip;\ntest.run();`,
        'test/suite.test.ts': `${imports}const Wire = suite<Context>('x');\nWire('a', f);\nWire.skip('b', f);`,
        'test/run.test.ts': `${imports}test('a', f);\n// test.run();`,
      }),
    ),
    /only.test.ts:2: test.only/,
    /skip.test.ts:2: test.skip/,
    /suite.test.ts: Wire.run\(\) is not called/,
    /suite.test.ts:4: Wire.skip/,
    /run.test.ts: test.run\(\) is not called/,
  );
});

test('a frame type without a vector is found, and a vector of no frame type', () => {
  const constants = 'export const FrameType = {\n  HELLO: 1,\n  PING: 11,\n  PONG: 12,\n} as const;\n';
  const vectors = tree({
    'spec/vectors/hello.json': '[{"name":"a","frames":[{"type":"HELLO"},{"type":"HOWDY"}]}]',
    'spec/vectors/session.json': '{"cases":[{"steps":[{"frames":[{"type":"PONG"}]}],"type":"PING"}]}',
  });
  assertProblems(vectorProblems(constants, vectors), /hello.json: HOWDY/, /no vector has a PING frame/);
  assertProblems(vectorProblems('export const Flag = {} as const;', vectors), /no FrameType found/);
});

test('any in a declaration is found; in a comment, a string or as a name it is not', () => {
  assertProblems(
    anyProblems(
      tree({
        'dist/good.d.ts': `/** any */\nexport declare const a: { any: string; kind: 'any' };\nfunction any(x: number): void;`,
        'dist/bad.d.ts': 'export declare const a: any;',
        'dist/list.d.ts': '\nexport declare const a: Map<string, any[]>;',
        'dist/default.d.ts': 'export type A<T = any> = T;',
      }),
    ),
    /bad.d.ts:1/,
    /list.d.ts:2/,
    /default.d.ts:1/,
  );
});

test('a cast is found; `as const`, renames of imports and of keys, strings and comments are not', () => {
  const files = tree({
    'src/a.ts': [
      `import { a as b } from './b.js';`,
      `import * as c from './c.js';`,
      `export * as d from './d.js';`,
      `export {\n  e as f,\n} from './e.js';`,
      `// x as any\n/** x as any */`,
      `const text = 'x as any' + \`x as any\`;`,
      `const table = { x: 1 } as const;`,
      `type Keys<T> = { [K in keyof T as string]: T[K] };`,
    ].join('\n'),
    'src/b.ts': `const a = b as unknown as string;\nf((c.d as E).f, [g] as\n  H[], { i } as { i: 1 }, 'j' as J);`,
    'src/c.ts': `const kind = (x) as 'a' | 'b';`,
  });
  const found = ['b.ts:1', 'b.ts:1', 'b.ts:2', 'b.ts:2', 'b.ts:3', 'b.ts:3', 'c.ts:1'];
  assert.equal(
    castsIn(files),
    found.map((line) => `src/${line}`),
  );
  assertProblems(castProblems(files, 7));
  assert.is(castProblems(files, 6).length, 7);
});

test('a package that lacks something, or holds too much, is found', () => {
  const manifest = {
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    dependencies: { avsc: '1' },
  };
  const whole = [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'docs/README.md',
    'spec/protocol.md',
    'dist/index.js',
    'dist/index.d.ts',
  ];
  assertProblems(packageProblems(manifest, [...whole, 'spec/vectors/a.json', 'bench/results/a.svg'], ['src/index.ts']));
  assertProblems(packageProblems(manifest, whole.slice(1), []), /package.json: missing/);
  assertProblems(packageProblems(manifest, whole.slice(0, -1), []), /dist\/index.d.ts: missing/);
  assertProblems(
    packageProblems(manifest, whole, ['src/index.ts', 'src/a/b.ts']),
    /dist\/a\/b.js: missing/,
    /b.d.ts: missing/,
  );
  assertProblems(
    packageProblems(manifest, [...whole, 'dist/gone.js', 'test/a.ts'], ['src/index.ts']),
    /dist\/gone.js: does not belong/,
    /test\/a.ts: does not belong/,
  );
  assertProblems(packageProblems({ ...manifest, dependencies: { avsc: '1', left: '2' } }, whole, []), /not left/);
});

test('a link of a document that leads to nothing in the package is found', () => {
  const documents = new Map([
    ['README.md', '[a](docs/README.md) [b](src/README.md) [c](https://example.org/)'],
    ['docs/README.md', '[d](../README.md#e) [f](../test/) [g](development.md)'],
    ['docs/development.md', '[h](../src/README.md)'],
  ]);
  assertProblems(
    packageLinkProblems(documents, [...documents.keys()]),
    /README.md:1: src\/README.md: not in/,
    /docs\/README.md:1: ..\/test\/: not in/,
  );
});

test('a number without a row, a row without its test, and a test that its row does not list are found', () => {
  const rows = ['| F1 | a port | fails | `a.test.ts` |', '| F2 | a SYN | fails | not tested yet |'];
  const tests = { 'test/a.test.ts': `test('F1 a closed port', go); const faults = ['F9'];` };
  const vectors = { 'spec/vectors/frames/ping.json': '{ "faults": [ "F1", "F2" ] }' };
  assertProblems(faultProblems(rows.join('\n'), tree(tests), tree(vectors)));
  assertProblems(
    faultProblems(rows.join('\n'), tree({ 'test/a.test.ts': `test('F2 F3 a SYN', go)` }), tree({})),
    /F1 lists a\.test\.ts, which has no test/,
    /F2 does not list test\/a\.test\.ts/,
    /a\.test\.ts: F3 is no row/,
  );
  const lies = [
    '| F1 | a port | fails | `b.test.ts` |',
    '| F1 | a port | fails | soon |',
    '| F2 | a SYN | fails | not tested yet |',
  ];
  assertProblems(
    faultProblems(lies.join('\n'), tree(tests), tree({ 'spec/vectors/a.json': '"faults": [ "B7" ]' })),
    /F1 lists b\.test\.ts/,
    /F1 does not list test\/a/,
    /two rows F1/,
    /F1 says neither/,
    /F1 does not list test\/a/,
    /a\.json: B7 is no row/,
  );
  assertProblems(faultProblems('', tree(tests), tree({})), /no row found/);
});

test.run();
