/** README is a front page: short, with the two commands and a program that can be pasted, and one chart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pageAt, read, userPages } from './documents.js';

const readme = pageAt('README.md');
const lines = readme.text.trimEnd().split('\n');

test('it has at most 220 lines and one chart', () => {
  assert.ok(lines.length <= 220, `${lines.length} lines`);
  assert.is(readme.links.filter(({ target }) => target.endsWith('.svg')).length, 1);
});

test('the first screen has the two commands and the program of examples/quickstart.mjs, of fewer than 30 lines', () => {
  const [program, ...others] = readme.blocks.filter(({ language }) => language === 'js');
  assert.is(others.length, 0);
  assert.is(`${program.code}\n`, read('examples/quickstart.mjs'));
  assert.ok(program.code.split('\n').length < 30);
  const screen = lines.slice(0, 45).join('\n');
  assert.match(screen, program.code);
  assert.match(screen, 'npm ci && npm start');
  assert.match(screen, 'npm cit');
});

test('no chart and no table stands twice', () => {
  const seen = new Map<string, string>();
  const rows = /^\|(?=.*\d)(?:[^|]*\|){3,}$/;
  for (const { path, text, links } of userPages) {
    const charts = links.map(({ target }) => target).filter((target) => target.endsWith('.svg'));
    const found = [
      ...charts.map((chart) => chart.replace(/^\.\.\//, '')),
      ...text.split('\n').filter((line) => rows.test(line)),
    ];
    for (const one of found) {
      // The C protocol's peers and the like have the same cells in different tables of one page; two pages must not.
      const other = seen.get(one);
      assert.ok(other === undefined || other === path, `${path} and ${other}: ${one}`);
      seen.set(one, path);
    }
  }
});

test.run();
