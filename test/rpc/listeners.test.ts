/** Listeners of the application that throw or reject: one warning of the process each time, and no call notices. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, openEnds } from '../support/rpc.js';
import { until } from './until.js';

const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.message));
const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
process.on('uncaughtException', (error) => unhandled.push(error));

const note = { id: 1, text: 'a' };

/** Ways in which a listener fails, each with what the warning says. */
const failures: Readonly<Record<string, readonly [listener: () => unknown, text: string]>> = {
  'throws an error': [
    () => {
      throw new Error('the log is full');
    },
    'the log is full',
  ],
  'throws what is no error': [
    () => {
      // oxlint-disable-next-line typescript/only-throw-error -- that is the case
      throw 'a text';
    },
    'a text',
  ],
  'throws an object without a text': [
    () => {
      throw Object.create(null);
    },
    'a value that has no text',
  ],
  rejects: [() => Promise.reject(new Error('the log is away')), 'the log is away'],
  'returns a thenable that throws': [
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is the case
      then: () => {
        throw new Error('no then');
      },
    }),
    'no then',
  ],
  'returns an object whose then cannot be read': [
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is the case
      get then(): never {
        throw new Error('no getter');
      },
    }),
    'no getter',
  ],
};

for (const [how, [listener, text]] of Object.entries(failures)) {
  test(`A11 onHandlerError ${how}: one warning, and no call notices`, async () => {
    const ends = await openEnds({
      handlers: {
        echo: (request) => {
          if (request.id < 0) throw new Error('broken');
          return request;
        },
      },
      server: { onHandlerError: () => listener() as undefined },
    });
    const other = ends.notes.echo(note);
    assert.is((await failureOf(ends.notes.echo({ id: -1, text: '' }))).code, 'INTERNAL');
    assert.equal([await other, await ends.notes.echo(note)], [note, note]);
    await until(() => warnings.length > 0, 'the warning');
    await ends.close();
    assert.equal(warnings.splice(0), [`onHandlerError threw: ${text}`]);
    assert.equal(unhandled, []);
  });

  test(`A11 a ledger's listener ${how}: one warning, and no call notices`, async () => {
    const ends = await openEnds({ channel: { ledger: () => listener() as undefined } });
    assert.equal(await ends.notes.echo(note), note);
    await until(() => warnings.length > 0, 'the warning');
    await ends.close();
    assert.equal(warnings.splice(0), [`the listener of a ledger threw: ${text}`]);
    assert.equal(unhandled, []);
  });
}

test.run();
