/** README and docs/: every block of code compiles and runs, every link leads somewhere, every command exists. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandProblems } from './commands.js';
import { allPages, exists, read, userPages } from './documents.js';
import { linkProblems } from './links.js';
import { snippetProblems } from './snippet-check.js';

const none: string[] = [];

/** What the programs find in the folder in which they run. */
const files = [
  ...['ca.pem', 'server.pem', 'server.key', 'client.pem', 'client.key'].map((name) => `test/data/tls/${name}`),
  'test/data/avro/schemas/simple.avpr',
];

/** A block in another language is one that nothing checks. */
const languages = new Set(['ts', 'js', 'mjs', 'sh', 'json', 'text', 'proto']);

test('every block of code compiles against the package, and runs', async () => {
  assert.ok(userPages.flatMap(({ blocks }) => blocks).length > 60);
  assert.equal(await snippetProblems(userPages, files), none);
});

test('every block says what it is', () => {
  assert.equal(
    userPages.flatMap(({ problems }) => problems),
    none,
  );
  for (const { path, blocks } of userPages) {
    for (const { language, line, code } of blocks) {
      assert.ok(languages.has(language), `${path}:${line}: nothing checks ${language}`);
      if (language === 'json') assert.not.throws(() => JSON.parse(code), `${path}:${line}`);
    }
  }
});

test('every relative link leads to a file, and to a heading that it has', () => {
  const pages = new Map(allPages.map((page) => [page.path, page]));
  assert.equal(
    allPages.flatMap((page) => linkProblems(page, { exists, pages })),
    none,
  );
  assert.ok(userPages.flatMap(({ links }) => links).length > 100);
});

test('every command exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  assert.equal(
    userPages.flatMap((page) => commandProblems(page, { scripts, exists })),
    none,
  );
});

test('every page is in the index', () => {
  const index = userPages.find(({ path }) => path === 'docs/README.md');
  const linked = new Set(index?.links.map(({ target }) => target.replace(/#.*/, '')));
  for (const { path } of userPages) {
    const name = path.replace(/^docs\//, '');
    if (name !== 'README.md') assert.ok(linked.has(name), path);
  }
});

test.run();
