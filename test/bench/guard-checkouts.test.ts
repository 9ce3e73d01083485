/** Commits in temporary folders: which one is the base, what is built, and that nothing is left behind. In small repositories of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOut, commitOf, copyBuild, defaultBase, packageOf, removeCheckouts } from '../../bench/guard/checkouts.js';
import { withProcess } from '../support/process.js';

class Repository {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'trunkline-repository-')));

  constructor() {
    this.git('init', '-q', '-b', 'main');
  }

  git(...args: string[]): string {
    const who = ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', ['-C', this.root, ...who, ...args], { encoding: 'utf8' }).trim();
  }

  /** A commit whose build runs `script`, with `files`. */
  commit(script: string, files: Readonly<Record<string, string>> = {}): string {
    const manifest = JSON.stringify({ name: 'a', version: '1.0.0', scripts: { build: script } });
    for (const [name, text] of Object.entries({ 'package.json': manifest, ...files })) {
      writeFileSync(join(this.root, name), text);
    }
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', script);
    return this.git('rev-parse', 'HEAD');
  }

  worktrees(): number {
    return this.git('worktree', 'list').split('\n').length;
  }
}

async function inRepository(body: (repository: Repository) => Promise<void> | void): Promise<void> {
  const repository = new Repository();
  try {
    await body(repository);
  } finally {
    rmSync(repository.root, { recursive: true, force: true });
  }
}

const BUILD = 'mkdir -p dist && cp version dist/index.js';
const lock = '{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{}}';

test('the base is where the main branch was left, else the commit before', () =>
  inRepository((repository) => {
    const { root } = repository;
    const first = repository.commit('one');
    assert.throws(() => defaultBase(root, first, false), /--base/);
    const second = repository.commit('two');
    assert.is(defaultBase(root, second, false).commit, first);
    assert.is(defaultBase(root, second, true).commit, second);
    repository.git('checkout', '-q', '-b', 'topic');
    const third = repository.commit('three');
    const fourth = repository.commit('four');
    assert.equal(defaultBase(root, fourth, true), { commit: second, why: 'where main was left' });
    assert.is(defaultBase(root, third, false).commit, second);
  }));

test('a commit is known by each of its names, and what is none is null', () =>
  inRepository((repository) => {
    const commit = repository.commit('one');
    assert.is(commitOf(repository.root, 'main'), commit);
    assert.is(commitOf(repository.root, commit.slice(0, 8)), commit);
    assert.is(commitOf(repository.root, 'nowhere'), null);
    assert.is(commitOf(repository.root, '--all'), null);
  }));

test('a commit is built in a folder of its own, with the packages of an equal lockfile, and removed without a trace', () =>
  inRepository(async (repository) => {
    const { root } = repository;
    const ignored = { '.gitignore': 'node_modules\ndist\n' };
    const old = repository.commit(BUILD, { ...ignored, 'package-lock.json': lock, version: 'old' });
    repository.commit(BUILD, { version: 'new' });
    mkdirSync(join(root, 'node_modules'));
    const { folder, title } = await checkOut(root, old);
    assert.is(readFileSync(packageOf(folder), 'utf8'), 'old');
    assert.is(realpathSync(join(folder, 'node_modules')), join(root, 'node_modules'));
    assert.is(title, `commit ${old.slice(0, 12)}`);
    assert.is(repository.worktrees(), 2);
    removeCheckouts();
    assert.not(existsSync(folder));
    assert.ok(existsSync(join(root, 'node_modules')));
    assert.is(repository.worktrees(), 1);
  }));

test("the working tree's build is copied, so that building it again changes nothing", () =>
  inRepository(({ root }) => {
    mkdirSync(join(root, 'dist'));
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(packageOf(root), 'first');
    const { folder } = copyBuild(root);
    writeFileSync(packageOf(root), 'second');
    assert.is(readFileSync(packageOf(folder), 'utf8'), 'first');
    assert.is(realpathSync(join(folder, 'node_modules')), join(root, 'node_modules'));
    removeCheckouts();
    assert.not(existsSync(folder));
    assert.ok(existsSync(join(root, 'node_modules')));
  }));

test('a commit whose build makes no package, and one that does not build, say so', () =>
  inRepository(async (repository) => {
    const ignored = { '.gitignore': 'node_modules\ndist\n', 'package-lock.json': lock };
    mkdirSync(join(repository.root, 'node_modules'));
    for (const [script, problem] of [
      ['true', /too old/],
      ['echo "no such type" && exit 3', /build failed .*no such type/s],
    ] as const) {
      const commit = repository.commit(script, ignored);
      const error = await checkOut(repository.root, commit).then(
        () => null,
        (reason: unknown) => String(reason),
      );
      assert.match(error ?? 'it was checked out', problem);
    }
    removeCheckouts();
    assert.is(repository.worktrees(), 1);
  }));

test('a signal in the middle of a build leaves neither the folder nor the build', () =>
  inRepository(async (repository) => {
    const { root } = repository;
    const pidFile = join(root, 'pid');
    const ignored = { '.gitignore': 'node_modules\ndist\npid\n', 'package-lock.json': lock };
    mkdirSync(join(root, 'node_modules'));
    const commit = repository.commit(`echo $$ > ${pidFile}.new && mv ${pidFile}.new ${pidFile} && sleep 600`, ignored);
    await withProcess(new URL('checkout-process.js', import.meta.url), { args: [root, commit] }, async (process_) => {
      while (!existsSync(pidFile)) await new Promise((resolve) => void setTimeout(resolve, 20));
      assert.is(repository.worktrees(), 2);
      process_.signal('SIGTERM');
      assert.is((await process_.exited()).code, 143);
    });
    assert.is(repository.worktrees(), 1);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    while (existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '') {
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }));

test.run();
