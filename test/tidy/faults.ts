/**
 * `spec/faults.md` and the tests that carry its numbers: each number in the name of a test or in a vector has a row, and the last
 * column of a row lists exactly the files with such a test. The steps under `test/ecosystem` count as tests.
 */
import type { FileTree } from './file-tree.js';

/** A string that begins with one or more numbers and goes on: the name of a test, or a part of one. */
const numberedName = /['"`]((?:[FBAHE]\d{1,2} )+)[^\s'"`]/g;
const untested = 'not tested yet';

/** Test files by number. */
function testsByNumber(tests: FileTree): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, text] of tests) {
    if (!path.endsWith('.test.ts') && !path.startsWith('test/ecosystem/')) continue;
    for (const [, numbers = ''] of text.matchAll(numberedName)) {
      for (const number of numbers.trim().split(' ')) {
        const files = found.get(number) ?? new Set<string>();
        found.set(number, files.add(path.replace(/^test\//, '')));
      }
    }
  }
  return found;
}

/** `list`: the text of spec/faults.md. */
export function faultProblems(list: string, tests: FileTree, vectors: FileTree): string[] {
  const problems: string[] = [];
  const tested = testsByNumber(tests);
  const rows = new Set<string>();
  for (const [, number = '', last = ''] of list.matchAll(/^\| ([FBAHE]\d{1,2}) \|.*\| ([^|]*) \|$/gm)) {
    if (rows.has(number)) problems.push(`spec/faults.md: two rows ${number}`);
    rows.add(number);
    const found = tested.get(number) ?? new Set<string>();
    const listed = new Set(Array.from(last.matchAll(/`([^`]+)`/g), ([, file = '']) => file));
    if (last !== untested && listed.size === 0)
      problems.push(`spec/faults.md: ${number} says neither which tests nor ${untested}`);
    for (const file of listed) {
      if (!found.has(file)) problems.push(`spec/faults.md: ${number} lists ${file}, which has no test of that number`);
    }
    for (const file of found)
      if (!listed.has(file)) problems.push(`spec/faults.md: ${number} does not list test/${file}`);
  }
  if (rows.size === 0) return ['spec/faults.md: no row found'];
  for (const [number, files] of tested) {
    if (!rows.has(number)) problems.push(`test/${[...files].join(', ')}: ${number} is no row of spec/faults.md`);
  }
  for (const [path, text] of vectors) {
    for (const [, numbers = ''] of text.matchAll(/"faults": \[([^\]]*)\]/g)) {
      for (const [number] of numbers.matchAll(/[A-Z]\d+/g)) {
        if (!rows.has(number)) problems.push(`${path}: ${number} is no row of spec/faults.md`);
      }
    }
  }
  return problems;
}
