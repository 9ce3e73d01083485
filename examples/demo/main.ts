/**
 * The demo: `npm start`. Starts a server process, is its client, and ends both. Exits with 0 when every answer was right, and otherwise
 * with 1. `npm start -- --seconds 10` measures for longer.
 */
import { parseArgs } from 'node:util';
import { loadCities } from './cities.js';
import { runClient } from './client.js';
import { Screen } from './screen.js';
import { startServer } from './server-process.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '2' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds takes a number above 0');

const screen = new Screen(process.stdout);
// Leaves by way of the event `exit`, at which the server process is ended.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

screen.line(screen.styled('bold', 'Trunkline: a server process, a client process, one TCP connection'));
const starting = startServer();
const sources = loadCities();
const server = await starting;
screen.line(`  server  process ${server.pid}, ${sources.length.toLocaleString('en-US')} cities at ${server.target}`);
screen.line(`  client  process ${process.pid}`);

let errors = 1;
try {
  errors = await runClient(server.target, sources, seconds, screen);
} catch (error) {
  screen.line(`\n${screen.styled('red', 'error')} ${String(error)}`);
}
await server.stop();

if (errors === 0) {
  screen.line(`\n${screen.styled('green', 'Every answer was right.')} To try next:`);
  screen.line('  examples/demo/service.ts, server.ts, client.ts   the code that just ran');
  screen.line('  npm run example:server, npm run example:client   the smallest server and client');
  screen.line('  npm start -- --seconds 10                        the same for longer');
  screen.line('  npm cit                                          all tests');
  screen.line('  npm run bench -- floor                           what a call costs');
} else {
  screen.line(`\n${screen.styled('red', 'Something was wrong; see above.')}`);
  process.exitCode = 1;
}
