/** Decimals and times of two versions of a service: another scale or unit is refused before a handler runs, never read as another value. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineService, unary } from '../../src/index.js';
import { failureOf } from '../support/rpc.js';
import { between } from './versions.js';

const decimal = (scale: number, precision = 9) => ({ type: 'bytes', logicalType: 'decimal', precision, scale });
const time = (logicalType: string) => ({ type: 'long', logicalType });
const within = (type: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'at', type }] });

let services = 0;

/** How a call ends when the client writes `written`, the server reads `read`, or the other way round; and how often the handler ran. */
async function ends(written: unknown, read: unknown, value: unknown): Promise<readonly [string, string, number]> {
  let ran = 0;
  const handled = (): never => {
    ran++;
    return value as never;
  };
  const name = `logical.S${services++}`;
  const at = (type: unknown) => {
    const schema = within(type) as never;
    return defineService(name, {
      put: unary({ request: schema, response: 'int' }),
      get: unary({ request: 'int', response: schema }),
    });
  };
  const put = await between(at(read), { put: () => (ran++, 1), get: handled } as never, at(written), (client) =>
    (client as never as { put(value: unknown): Promise<unknown> }).put(value).then(
      () => 'OK',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    ),
  );
  const get = await between(at(written), { put: () => 1, get: handled } as never, at(read), async (client) => {
    const call = (client as never as { get(value: number): Promise<unknown> }).get(1);
    return call.then(
      () => 'OK',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
  });
  return [put, get, ran];
}

const bytes = { at: Buffer.from([4, 210]) };

for (const [what, written, read, value] of [
  ['a decimal of another scale', decimal(2), decimal(4), bytes],
  ['a decimal of more digits than its reader allows', decimal(2, 9), decimal(2, 7), bytes],
  ['a time of another unit', time('timestamp-millis'), time('timestamp-micros'), { at: 5 }],
  ['a local time for one with a zone', time('local-timestamp-millis'), time('timestamp-millis'), { at: 5 }],
  [
    'a decimal in an array',
    { type: 'array', items: decimal(2) },
    { type: 'array', items: decimal(3) },
    { at: [bytes.at] },
  ],
] as const) {
  test(`${what} is refused at its field, in requests and answers, and no handler runs`, async () => {
    const [put, get, ran] = await ends(written, read, value);
    for (const text of [put, get]) assert.match(text, /^FAILED_PRECONDITION .*R\.at/);
    assert.is(ran, 0);
  });
}

for (const [what, written, read, value] of [
  ['the same decimal', decimal(2), decimal(2), bytes],
  ['a decimal for a reader of more digits', decimal(2, 7), decimal(2, 9), bytes],
  ['a decimal for a reader of bytes', decimal(2), 'bytes', bytes],
  ['bytes for a reader of decimals', 'bytes', decimal(2), bytes],
  ['an invalid annotation', { type: 'bytes', logicalType: 'decimal', precision: 1, scale: 4 }, decimal(2), bytes],
] as const) {
  test(`${what} is read`, async () => {
    assert.equal(await ends(written, read, value), ['OK', 'OK', 2]);
  });
}

test('a failure names the method', async () => {
  const Old = defineService('logical.N', { get: unary({ request: decimal(2) as never, response: 'int' }) });
  const New = defineService('logical.N', { get: unary({ request: decimal(4) as never, response: 'int' }) });
  await between(New, { get: () => 1 } as never, Old, async (client) => {
    const failure = await failureOf((client as never as { get(value: Buffer): Promise<number> }).get(bytes.at));
    assert.match(failure.message, /logical\.N\/get.*scale 4.*scale 2/);
  });
});

test.run();
