/** Options of the bench: what is not understood is an error, never a default. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, common, option, parseOptions, UsageError } from '../../bench/options.js';
import { runBench } from './run-bench.js';

const options = {
  rounds: common.rounds(3),
  seconds: common.seconds(1.5),
  'in-flight': common.inFlight([1, 64], 1000),
  handler: option.oneOf(['sync', 'async'], 'sync', 'what handlers are'),
  parts: option.listOf(['a', 'b', 'c'], ['a', 'b'], 'parts'),
  check: option.yesOrNo('no', 'only look'),
  json: common.json,
} as const;

test('what is not given has its default', () => {
  assert.equal(parseOptions(options, []), {
    rounds: 3,
    seconds: 1.5,
    'in-flight': [1, 64],
    handler: 'sync',
    parts: ['a', 'b'],
    check: false,
    json: null,
  });
});

test('what is given counts', () => {
  const args = ['--rounds', '5', '--in-flight=8', '--json', 'out.json', '--check', 'yes', '--parts', 'c,a'];
  const values = parseOptions(options, args);
  assert.is(values.rounds, 5);
  assert.equal(values['in-flight'], [8]);
  assert.is(values.json, 'out.json');
  assert.is(values.check, true);
  assert.equal(values.parts, ['c', 'a']);
});

test('unknown options and values that make no sense are usage errors that name the option', () => {
  for (const args of [
    ['--round', '5'],
    ['stray'],
    ['--rounds', 'many'],
    ['--rounds', '1.5'],
    ['--rounds', '0'],
    ['--rounds', ''],
    ['--seconds', '0.05'],
    ['--in-flight', '1,,2'],
    ['--in-flight', '2000'],
    ['--handler', 'callback'],
    ['--parts', 'a,d'],
    ['--check', 'maybe'],
  ]) {
    assert.throws(
      () => parseOptions(options, args),
      (error: unknown) => error instanceof UsageError && error.message.includes(args[0] ?? ''),
    );
  }
});

test('the help of a command has every option with what it takes, its default and what it is for', () => {
  const help = command('try', 'tries it', options, () => Promise.resolve(0)).help();
  assert.match(help, /^npm run bench -- try \[options\]\n {2}tries it\n/);
  assert.match(help, /--rounds COUNT .*\(default: 3\)$/m);
  assert.match(help, /--in-flight COUNT,\.\.\. .*\(default: 1,64\)$/m);
  assert.match(help, /--handler sync\|async +what handlers are \(default: sync\)$/m);
  assert.match(help, /--json FILE +keep the raw results, with the environment$/m);
});

test('the bench lists its commands, and each prints its own help', async () => {
  const all = await runBench(['--help']);
  assert.is(all.code, 0, all.output);
  assert.match(all.output, /^ {2}guard +two commits in turns/m);
  const one = await runBench(['floor', '--help']);
  assert.is(one.code, 0, one.output);
  assert.match(one.output, /--contenders NAME,\.\.\. .*avsc-rpc-corked/);
});

test.run();
