/**
 * What `bundles.ts` bundles and runs: the quickstart, services of an `.avpr` and an `.avdl` file, checksums. Prints the answers as JSON. What a
 * package beside the bundle is needed for is answered by the error's code and text where the package is not there.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, defineService, schema, Server, serviceFromProtocol, unary } from 'trunkline';

const fields = [
  { name: 'id', type: 'long' },
  { name: 'text', type: 'string' },
];
const Note = schema({ type: 'record', name: 'Note', fields });
const Notes = defineService('test.Notes', { echo: unary({ request: Note, response: Note }) });

const request = [
  { name: 'a', type: 'int' },
  { name: 'b', type: 'int' },
];
const avpr = JSON.stringify({ protocol: 'Sum', messages: { add: { request, response: 'int' } } });
const avdl = 'protocol Words { string shout(string word); }';

function serviceOf(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return serviceFromProtocol(path);
}

const told = (error) => `${error.code}: ${error.message}`;

async function main(folder) {
  const Sum = serviceOf(folder, 'sum.avpr', avpr);
  const server = new Server({ checksums: true });
  server.add(Notes, { echo: (note) => note }).add(Sum, { add: ({ a, b }) => a + b });
  let Words = null;
  let shouted = '';
  try {
    Words = serviceOf(folder, 'words.avdl', avdl);
    server.add(Words, { shout: ({ word }) => word.toUpperCase() });
  } catch (error) {
    shouted = told(error);
  }
  const { port } = await server.listen({ host: '127.0.0.1' });
  const channel = connect(`tcp://127.0.0.1:${port}`, { checksums: true });
  const { text } = await channel.client(Notes).echo({ id: 7, text: '北京' });
  const sum = await channel.client(Sum).add({ a: 3, b: 4 });
  if (Words !== null) shouted = await channel.client(Words).shout({ word: 'loud' });
  await channel.close();
  await server.drain();
  const packed = new Server({ compression: 'lz4' });
  const lz4 = await packed.listen({ host: '127.0.0.1' }).then(() => 'lz4', told);
  await packed.close();
  console.log(JSON.stringify({ text, sum, shouted, lz4 }));
}

const folder = mkdtempSync(join(tmpdir(), 'trunkline-bundle-'));
main(folder)
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => rmSync(folder, { recursive: true }));
