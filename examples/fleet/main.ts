/**
 * Servers that come and go, and a client whose calls find them: `npm run example:fleet`. Runs a scenario and exits with 0 when all
 * its claims held, else with 1. `-- --interactive` lets you run the events by keys, `-- --seconds 5` is a short run.
 */
import { parseArgs } from 'node:util';
import { connect } from 'trunkline';
import { Callers } from './callers.js';
import { Claims } from './claims.js';
import { Etcd } from './etcd.js';
import { Fleet } from './fleet.js';
import { help, Keys } from './keys.js';
import { play } from './scenario.js';
import { Store } from './service.js';
import { View } from './view.js';

const CALLERS = 50;
/** The scenario observes the calls for nine intervals. */
const WATCHED = 9;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '36' }, interactive: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds takes a number above 0');
const watchMs = (seconds * 1_000) / WATCHED;

// Exits through the event `exit`, whose listeners end all processes.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const etcd = await Etcd.start();
const fleet = new Fleet(etcd, (text) => view.line(text));
const channel = connect(fleet.target, {
  deadlineMs: 10_000,
  // Shorter than the default of 30 s, so that one sees the server come back.
  ejection: { ejectedMsFirst: Math.min(2_000, watchMs) },
});
const view = new View(
  process.stdout,
  () => channel.describe(),
  (address) => fleet.nameOf(address),
);
if (etcd === null) {
  view.line(
    'There is no etcd here (apt-get install etcd-server): the client uses a static list, kept by this example.',
  );
} else {
  view.line(`etcd    process ${etcd.pid}, ${etcd.target}`);
}
await Promise.all(
  [1, 2, 3].map(async (which) => {
    const { pid, address } = await fleet.start(which);
    view.line(`server  process ${pid}, #${which} at ${address}`);
  }),
);
view.line(`client  process ${process.pid}, ${CALLERS} callers: three reads (idempotent), one write (not), and so on`);

const callers = new Callers(channel.client(Store), CALLERS);
const claims = new Claims(view);
if (values.interactive) {
  view.line(help);
  await new Keys(fleet, view).listen(process.stdin);
} else {
  const isEjected = (address: string): boolean =>
    channel.describe().endpoints.some((endpoint) => endpoint.address === address && endpoint.ejected);
  await play({ fleet, callers, view, claims, isEjected, watchMs });
}

await callers.end();
await channel.close();
await fleet.end();
await etcd?.close();

claims.begin('In all');
claims.add('every answer was the right one', callers.count().wrong === 0);
claims.add('no write was retried that may have run', callers.count().repeatedWrites === 0);
view.end();
// Also ends a server that still waits for etcd.
process.exit(claims.summary() ? 0 : 1);
