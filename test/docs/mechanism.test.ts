/** The checks of the documents find what is wrong: each plants an error, and one page has none. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandProblems } from './commands.js';
import { linkProblems, unpackedLinks } from './links.js';
import { type Page, readPage, slugOf } from './markdown.js';
import { programsOf } from './programs.js';
import { snippetProblems } from './snippet-check.js';

/** A page of lines, in which `~~~` stands for a fence. */
function pageAt(path: string, ...lines: string[]): Page {
  return readPage(path, lines.join('\n').replaceAll('~~~', '```'));
}

const pageOf = (...lines: string[]): Page => pageAt('docs/page.md', ...lines);

const sound = [
  '# Title',
  '<!-- ts',
  "import { defineService, unary } from 'trunkline';",
  "const Echo = defineService('docs.Echo', { echo: unary({ request: 'string', response: 'string' }) });",
  '-->',
  '~~~ts',
  "import { Server } from 'trunkline';",
  'const server = new Server().add(Echo, { echo: (text) => text });',
  "await server.listen({ host: '127.0.0.1', port: 50051 });",
  '~~~',
  'prose',
  '~~~ts scoped',
  "import { connect, type CallOptions } from 'trunkline';",
  "import { Server } from 'trunkline';",
  'const options: CallOptions = { deadlineMs: 5_000 };',
  "const channel = connect('tcp://127.0.0.1:50051');",
  "console.log(await channel.client(Echo).echo('hello', options));",
  'console.log(Server.name);',
  '~~~',
  '~~~ts scoped',
  'const channel = 7;',
  '~~~',
  '~~~ts no-run: it would never end',
  'for (;;) await server.drain();',
  '~~~',
  '~~~text output',
  'hello',
  '~~~',
];

/** Pages by what is planted in them; each plants what is found when it runs. */
const ran = {
  sound,
  throws: ['text', '~~~ts', 'interface Gone {', '  a: number;', '}', "throw new Error('planted');", '~~~'],
  jsThrows: ['~~~js', 'const a = 1;', 'a.b.c();', '~~~'],
  stderr: ['~~~ts', "console.error('planted');", '~~~'],
  exits: ['~~~ts', 'process.exit(0);', '~~~'],
  unhandled: ['~~~ts', "void Promise.reject(new Error('planted'));", '~~~'],
  output: ['~~~ts', 'console.log(7);', '~~~', '~~~text output', '8', '~~~'],
  modules: [
    '~~~ts file=shared.ts',
    'export const shared = 7;',
    '~~~',
    '~~~ts',
    "import { shared } from './shared.js';",
    'console.log(`shared: ${shared}`);',
    '~~~',
    '~~~ts alone',
    'const shared = 8;',
    'console.log(`alone: ${shared}`);',
    '~~~',
    '~~~text output',
    'shared: 7',
    'alone: 8',
    '~~~',
  ],
};

/** What is found when it is compiled. */
const compiled = {
  otherPackage: ['~~~js no-run: of another package', "import { gone } from 'gone';", 'gone();', '~~~'],
  noRun: [...sound, '~~~ts no-run: planted', 'await server.listen({ prot: 7 });', '~~~'],
  types: ['~~~ts', "import { Channel } from 'trunkline';", 'const a = (b) => b;', '~~~'],
};

/** The problems of each page, found in one go. */
async function found<Names extends string>(plants: Readonly<Record<Names, string[]>>): Promise<Record<Names, string>> {
  const names = Object.keys(plants) as Names[];
  const problems = await snippetProblems(names.map((name) => pageAt(`docs/${name}.md`, ...plants[name])));
  const of = (name: Names): string => problems.filter((problem) => problem.startsWith(`docs/${name}.md:`)).join('\n');
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Names, string>;
}

test('what is wrong when it runs is found, with its line on the page', async () => {
  const problems = await found(ran);
  assert.is(problems.sound, '');
  assert.is(problems.modules, '', 'a block alone shares nothing, and a block with a name is a module for the others');
  assert.match(problems.throws, /^docs\/throws\.md:6[^]*planted/);
  assert.match(problems.jsThrows, /^docs\/jsThrows\.md:3/);
  assert.match(problems.stderr, 'planted');
  assert.match(problems.exits, /^docs\/exits\.md:\d+: the program ended the process with 0 before its last line/);
  assert.match(problems.unhandled, /^docs\/unhandled\.md:2[^]*planted/);
  assert.is(problems.output, 'docs/output.md:5: is not printed: 8');
});

test('what does not compile is found, also in a block that is not run; types are strict, and those of the package', async () => {
  const problems = await found(compiled);
  assert.match(problems.noRun, /^docs\/noRun\.md:30: error TS\d+: .*prot/);
  assert.not.match(problems.noRun, '\n');
  assert.is(problems.otherPackage, '');
  assert.match(problems.types, /^docs\/types\.md:1: .*Channel.*\n.*docs\/types\.md:3: .*implicitly/);
});

test('JavaScript that is not run is read for its syntax', async () => {
  const problems = await snippetProblems([pageOf('~~~js no-run: of another package', 'const = 1;', '~~~')]);
  assert.match(problems.join('\n'), /^docs\/page\.md:2: error TS\d+/);
});

test('a program that never ends is found', async () => {
  const page = pageOf('~~~js', 'await new Promise(() => {});', '~~~');
  assert.equal(await snippetProblems([page], [], 500), ['docs/page.md:1: no end within 500 ms']);
});

test('which blocks are a program', () => {
  assert.equal(
    programsOf(pageOf(...ran.modules)).map(({ name, runs }) => [name, runs]),
    [
      ['shared.ts', false],
      ['line-8.ts', true],
      ['page.ts', true],
    ],
  );
});

test('a block without a language, a reason or an end, or with an unknown word, is a problem', () => {
  assert.match(pageOf('~~~', '~~~').problems.join(), 'without a language');
  assert.match(pageOf('~~~ts no-run', '~~~').problems.join(), 'without a reason');
  assert.match(pageOf('~~~ts', 'a').problems.join(), 'no end');
  assert.match(pageOf('~~~ts norun', '~~~').problems.join(), '"norun"');
});

const targets = (page: Page, ...files: string[]) => ({
  exists: (path: string) => files.includes(path),
  pages: new Map([[page.path, page]]),
});

test('a dead link and a dead anchor are found; code has no links', () => {
  const page = pageOf(
    '# The `title`, twice',
    '[a](b.md) [c](../README.md#d) [e](#the-title-twice) [f](#gone) `[g](h)`',
    '~~~ts',
    '// [i](j)',
    '~~~',
  );
  const problems = linkProblems(page, targets(page, 'README.md', 'docs/page.md'));
  assert.equal(problems, [
    'docs/page.md:2: b.md: there is no such file',
    'docs/page.md:2: ../README.md#d: its headings are not known',
    'docs/page.md:2: #gone: no heading has that name',
  ]);
  const readme = readPage('README.md', '# D\n\n## D\n\n<a id="e"></a>\n');
  const both = { ...targets(page, 'README.md', 'docs/page.md'), pages: new Map([['README.md', readme]]) };
  const linked = pageOf('[a](../README.md#d-1) [b](../README.md#e) [c](../README.md#f) [d](../../out.md)');
  assert.equal(linkProblems(linked, both), [
    'docs/page.md:1: ../README.md#f: no heading has that name',
    'docs/page.md:1: ../../out.md: leads out of the project',
  ]);
});

test('a link that the package does not hold is found', () => {
  const page = pageOf('[a](calls.md) [b](../spec/) [c](../src/README.md) [d](https://example.org/) [e](#f)');
  assert.equal(unpackedLinks(page, ['docs/page.md', 'docs/calls.md', 'spec/protocol.md']), [
    'docs/page.md:1: ../src/README.md: not in the package',
  ]);
});

test('headings are named as GitHub names them', () => {
  assert.is(slugOf('What is *not* there, yet?'), 'what-is-not-there-yet');
  assert.is(slugOf('`connect(target)`: a [channel](a.md)'), 'connecttarget-a-channel');
  assert.is(slugOf('10. Limits'), '10-limits');
});

test('a command that does not exist is found', () => {
  const page = pageOf(
    '`npm run gone`',
    '~~~sh',
    'npm ci && npm run build   # npm run no',
    'A=1 node examples/no.mjs',
    '.ci/run',
    '~~~',
  );
  const commands = { scripts: { build: '' }, exists: (path: string) => path === '.ci/run' };
  assert.equal(commandProblems(page, commands), [
    'docs/page.md:4: there is no examples/no.mjs',
    'docs/page.md:1: there is no script gone',
    'docs/page.md:3: there is no script no',
  ]);
});

test.run();
