/** The layers of the C peer. No compiler is needed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { projectRoot } from '../support/root.js';
import { readTree } from '../tidy/file-tree.js';
import { layersOf, peerLayerProblems } from './peer-layers.js';

const sources = readTree(fileURLToPath(projectRoot), ['native/peer/src'], ['.c', '.h']);
const layers = layersOf(readFileSync(new URL('native/peer/README.md', projectRoot), 'utf8'));

/** The problems of the real tree with lines added to one file. */
function problemsWith(file: string, added: string): string[] {
  const path = `native/peer/src/${file}`;
  return peerLayerProblems(new Map([...sources, [path, `${sources.get(path)}\n${added}\n`]]), layers);
}

test('the files of the C peer include and call only downwards, and in no circle', () => {
  assert.ok(sources.size > 60, `${sources.size} files`);
  assert.equal(peerLayerProblems(sources, layers), []);
});

test('an include that is added to the C peer is found, up or in a circle', () => {
  const [up, circle, ...others] = problemsWith('link.h', '#include "caller.h"');
  assert.is(up, 'link (layer 4) includes caller.h, which is of layer 5');
  assert.match(circle ?? '', /^a circle: .*link includes caller\.h/);
  assert.equal(others, []);
});

test('a call that is added to the C peer is found, up or in a circle', () => {
  const call = 'void link_end(struct caller *caller) {\n  caller_lost(caller, STARTED_MAYBE);\n}';
  const [up, circle, ...others] = problemsWith('link.c', call);
  assert.is(up, 'link (layer 4) calls caller_lost, which is of layer 5');
  assert.match(circle ?? '', /^a circle: .*link calls caller_lost/);
  assert.equal(others, []);
  const inside = problemsWith('callee_run.c', 'static void late(void) {\n  callee_schema(NULL);\n}');
  assert.is(inside.length, 1);
  assert.match(inside[0] ?? '', /^a circle: .*callee_run calls callee_schema/);
});

test('a file without a layer, and a layer without its file, are found', () => {
  const more = new Map([...sources, ['native/peer/src/more.c', '/* More. */\n']]);
  assert.equal(peerLayerProblems(more, layers), ['more: it has no layer in the README']);
  assert.equal(peerLayerProblems(sources, new Map([...layers, ['gone', 1]])), ['gone: in the table, but not there']);
});

test.run();
