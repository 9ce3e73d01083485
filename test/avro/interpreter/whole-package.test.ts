/** The package loads and serves calls in a process that may not generate code from strings. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onlyIn } from '../../support/runtime.js';

const inNode = onlyIn(test, ['node'], 'the flag is of Node');
const run = promisify(execFile);
const from = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);

/** What a module of this text prints, under the flag. */
async function printed(text: string): Promise<unknown> {
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval'];
  const { stdout } = await run(process.execPath, [...flags, text], { timeout: 60_000 });
  return JSON.parse(stdout);
}

inNode(
  'A7 raw and Avro services work where no code may be generated, with checksums, streams and evolution',
  async () => {
    const got = await printed(`
    import { connect, defineService, raw, Server, serverStream, unary } from ${from('index.js')};
    import ${from('wire/index.js')};
    import ${from('testing/index.js')};
    const City = (...more) => ({ type: 'record', name: 'City', fields: [{ name: 'name', type: 'string' }, ...more] });
    const at = (schema) => defineService('x.S', {
      bytes: unary({ request: raw, response: raw }),
      city: unary({ request: schema, response: schema }),
      all: serverStream({ request: 'int', response: schema }),
    });
    const New = at(City({ name: 'rank', type: 'int', default: 4 }));
    const server = new Server({ checksums: true }).add(New, {
      bytes: (bytes) => bytes,
      city: ({ name, rank }) => ({ name: name + rank }),
      *all(count) { for (let i = 0; i < count; i++) yield { name: 'n' + i, rank: i }; },
    });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const channel = connect('tcp://127.0.0.1:' + port, { checksums: true });
    const old = channel.client(at(City()));
    const names = [];
    for await (const { name } of old.all(3)) names.push(name);
    const wrong = await channel.client(New).city({ name: 'a', rang: 1 }).catch((error) => error.message);
    const found = [String(await old.bytes(Buffer.from('ok'))), await old.city({ name: 'b' }), names, wrong];
    await channel.close();
    await server.close();
    console.log(JSON.stringify(found));
  `);
    const wrong = 'cannot write City.rang: the record City has no such field (did you mean rank?)';
    assert.equal(got, ['ok', { name: 'b4' }, ['n0', 'n1', 'n2'], wrong]);
  },
);

inNode('A7 Avro IDL, which avsc reads, is refused with the reason', async () => {
  const got = await printed(`
    import { readProtocol } from ${from('index.js')};
    try { readProtocol('protocol P { int get(); }'); } catch ({ code, message }) { console.log(JSON.stringify([code, message])); }
  `);
  assert.equal(got, [
    'FAILED_PRECONDITION',
    'Avro IDL is read by avsc, which cannot work where code may not be generated: give the protocol as JSON',
  ]);
});

test.run();
