/** Options of the bench: what is not understood is an error, never a default. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Options, UsageError } from '../../bench/options.js';

const defaults = { rounds: '3', 'in-flight': '1,64', handler: 'sync', json: null };
const refused = (args: string[], read: (options: Options) => unknown): void => {
  assert.throws(
    () => read(new Options(args, defaults)),
    (error: unknown) => error instanceof UsageError,
  );
};

test('what is not given has its default', () => {
  const options = new Options([], defaults);
  assert.is(options.whole('rounds', 1), 3);
  assert.equal(options.wholes('in-flight', 1, 1000), [1, 64]);
  assert.is(options.oneOf('handler', ['sync', 'async']), 'sync');
  assert.is(options.text('json'), null);
});

test('what is given counts', () => {
  const options = new Options(['--rounds', '5', '--in-flight=8', '--json', 'out.json'], defaults);
  assert.is(options.whole('rounds', 1), 5);
  assert.equal(options.wholes('in-flight', 1, 1000), [8]);
  assert.is(options.text('json'), 'out.json');
});

test('unknown options and values that make no sense are usage errors', () => {
  refused(['--round', '5'], () => {});
  refused(['stray'], () => {});
  refused(['--rounds', 'many'], (options) => options.whole('rounds', 1));
  refused(['--rounds', '1.5'], (options) => options.whole('rounds', 1));
  refused(['--rounds', '0'], (options) => options.whole('rounds', 1));
  refused(['--rounds', ''], (options) => options.whole('rounds', 1));
  refused(['--in-flight', '1,,2'], (options) => options.wholes('in-flight', 1, 1000));
  refused(['--in-flight', '2000'], (options) => options.wholes('in-flight', 1, 1000));
  refused(['--handler', 'callback'], (options) => options.oneOf('handler', ['sync', 'async']));
});

test.run();
