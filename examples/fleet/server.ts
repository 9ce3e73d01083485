/**
 * A server process of the fleet. `fleet.ts` starts it and tells it by messages how to behave. By hand:
 * `PORT=50051 REGISTRY=etcd://127.0.0.1:2379/fleet node .build/examples/fleet/server.js`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RpcError, Server } from 'trunkline';
import { type Mode, Store } from './service.js';

const WORK_MS = { normal: 2, slow: 40 };
const { PORT = '0', REGISTRY = '' } = process.env;
let mode: Mode = 'normal';

async function answer(id: number): Promise<number> {
  if (mode === 'failing') throw new RpcError('UNAVAILABLE', 'the disk is full');
  await sleep(WORK_MS[mode]);
  return id;
}

const server = new Server().add(Store, { read: answer, write: answer });

async function listen(port: number): Promise<string> {
  const address = await server.listen({ host: '127.0.0.1', port });
  return `tcp://${address.host}:${address.port}`;
}

// Another process may have taken the port meanwhile; any other port will do, since clients ask etcd.
const address = await listen(Number(PORT)).catch(() => listen(0));
if (REGISTRY !== '') {
  const onError = (error: RpcError): void => {
    if (process.send === undefined) console.error(`etcd: ${error.message}`);
  };
  await server.register(REGISTRY, { address, onError }).registered;
}

// A rolling restart: the server deregisters, announces the drain to its clients, finishes its calls and exits.
process.once('SIGTERM', () => void server.drain({ graceMs: 5_000 }).then(() => process.exit()));

if (process.send === undefined) {
  console.log(`fleet.Store at ${address}`);
} else {
  process.send(address);
  process.on('message', (message) => {
    mode = message as Mode;
  });
  // Ctrl-C reaches all processes; `fleet.ts` ends this one, and its end is this one's end too.
  process.on('SIGINT', () => {});
  process.once('disconnect', () => process.exit());
}
