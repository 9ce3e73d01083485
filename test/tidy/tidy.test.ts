/** The checks of this folder, applied to the project itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { castProblems } from './casts.js';
import { committedTestProblems } from './committed-tests.js';
import { faultProblems } from './faults.js';
import { type FileTree, readTree } from './file-tree.js';
import {
  circleProblems,
  clockProblems,
  entryPoints,
  folderProblems,
  layerProblems,
  packageImportProblems,
  purityProblems,
  unusedFileProblems,
} from './layers.js';
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

interface Manifest {
  readonly version: string;
  readonly exports: unknown;
  readonly bin?: unknown;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const source = readTree(root, ['src'], ['.ts']);
const tests = readTree(root, ['test'], ['.ts']);
const bench = readTree(root, ['bench'], ['.ts']);
const written = new Map([...source, ...tests, ...readTree(root, ['bench', 'examples'], ['.ts', '.mjs'])]);

/** Casts that src may have. */
const CASTS_MAX = 10;

/** Files of fewer lines than others, each with the concept that it alone holds. */
const concepts = {
  'src/base/assert.ts': 'the check of an invariant of this package',
  'src/base/state-machine.ts': 'the steps of a state machine',
  'src/base/tables.ts': 'the keys of a constant table',
  'src/wire/wire-error.ts': 'the error of a whole connection',
  'src/wire/preface.ts': 'what a peer meant that did not begin with the preface',
  'src/connection/calls/call-host.ts': 'what answers calls, as a connection sees it',
  'src/connection/calls/request-size.ts': 'the bytes of a request that waits',
  'src/connection/messages/item-credit.ts': 'what ITEM frames may still cost',
  'src/connection/messages/message-scope.ts': 'what an incoming message needs of its connection',
  'src/connection/lifecycle/read-error.ts': 'what ends a connection when reading throws',
  'src/connection/lifecycle/lifecycle-link.ts': "what the mechanisms of a connection's life need of it",
};

/** Prints all problems, one a line. An empty tree has none, and must not pass for that. */
function assertTidy(tree: FileTree, problems: readonly string[]): void {
  assert.ok(tree.size > 0, 'no file was read');
  if (problems.length > 0) console.log(`\n  ${problems.join('\n  ')}`);
  assert.is(problems.length, 0);
}

test('rooms import only rooms of a lower rank', () => {
  assertTidy(source, layerProblems(source));
});

test('no file of src imports itself by way of others, imports of types included', () => {
  assertTidy(source, circleProblems(source));
});

test('no file of bench imports itself by way of others', () => {
  assertTidy(bench, circleProblems(bench));
  const path = 'bench/process/role.ts';
  const circle = new Map([...bench, [path, `${bench.get(path)}\nimport type { Child } from './child.js';\n`]]);
  assert.is(circleProblems(circle).length, 1);
});

test('an import added to the real tree is found, up or in a circle', () => {
  const path = 'src/connection/messages/write-queue.ts';
  const up = new Map([...source, [path, `${source.get(path)}\nimport type { Link } from '../calls/link.js';\n`]]);
  assert.is(layerProblems(up).length, 1);
  assert.is(circleProblems(up).length, 1);
});

test('no folder of src is a hall', () => {
  assertTidy(source, folderProblems(source));
});

test('the core imports builtins, itself, and avsc in avro/; lz4-napi only when compression needs it', () => {
  assertTidy(source, packageImportProblems(source));
});

test('wire/ has no sockets, timers, promises or events', () => {
  assertTidy(source, purityProblems(source));
});

test('time and chance come from base/', () => {
  assertTidy(source, clockProblems(source));
});

test('every source is reached from an entry point of package.json', () => {
  assertTidy(source, unusedFileProblems(source, entryPoints(manifest)));
});

test('index.ts holds named re-exports only', () => {
  assertTidy(source, indexProblems(source));
});

test('sources, functions and lines are short', () => {
  assertTidy(source, sizeProblems(source));
});

test('each source begins with a comment that says what it is for', () => {
  assertTidy(source, headerProblems(source));
});

test('sources prove their types, but for a few casts', () => {
  assertTidy(source, castProblems(source, CASTS_MAX));
});

test('small files hold a concept of their own', () => {
  assertTidy(source, smallFileProblems(source, concepts));
});

test('the version that peers see is that of the package', () => {
  assert.match(source.get('src/peer/settings.ts') ?? '', `'trunkline/${manifest.version}'`);
});

test('file names say what a file is', () => {
  assertTidy(written, nameProblems(written));
});

test('nothing is left for later in a comment', () => {
  // The words themselves stand in the check and in its test.
  const others = new Map([...written].filter(([path]) => !path.startsWith('test/tidy/')));
  assertTidy(others, markerProblems(others));
});

test('committed tests all run', () => {
  assertTidy(tests, committedTestProblems(tests));
});

test('every frame type has a vector', () => {
  const vectors = readTree(root, ['spec/vectors'], ['.json']);
  assertTidy(vectors, vectorProblems(source.get('src/wire/constants.ts') ?? '', vectors));
});

test('each number in the name of a test is a row of spec/faults.md, which lists that test', () => {
  const vectors = readTree(root, ['spec/vectors'], ['.json']);
  // The names in that test are samples.
  const named = new Map([...tests].filter(([path]) => path !== 'test/tidy/checks.test.ts'));
  assertTidy(named, faultProblems(readFileSync(join(root, 'spec/faults.md'), 'utf8'), named, vectors));
});

test('the public declarations hold no any', () => {
  const declarations = readTree(root, ['dist'], ['.d.ts']);
  assertTidy(declarations, anyProblems(declarations));
});

test.run();
