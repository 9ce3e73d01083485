/**
 * avsc's own RPC (5.7, the last that has one): `Service` over `node:net`, with the Netty-compatible framing that it puts on a
 * duplex stream by default, as its documentation shows. Set up for speed: no timer per call (`timeout: 0`), Nagle off.
 *
 * It writes a message in three pieces, each a system call of its own. `avsc-rpc-corked` is the same with the socket corked by the
 * application from the first message of a turn of the event loop to its end: nothing that avsc does or documents, but the most
 * that a user can get out of it without replacing a part of it (of cork until microtask, tick or turn, the turn gave the most).
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import avsc from 'avsc';
import { type Canonical, canonicalSchema, canonicalWorkload } from '../canonical.js';
import type { Contender } from './contender.js';
import { Handled } from './handled.js';

const service = avsc.Service.forProtocol({
  protocol: 'bench.Echo',
  types: [canonicalSchema],
  messages: { echo: { request: [{ name: 'record', type: 'Canonical' }], response: 'Canonical' } },
});

type Answered = (error: Error | null, response?: Canonical) => void;

/** What `forProtocol` adds to its clients and servers for a message called `echo`; avsc's declarations do not know it. */
interface EchoClient {
  readonly echo: (record: Canonical, answered: Answered) => void;
}
interface EchoServer {
  onEcho(handler: (record: Canonical, answered: Answered) => void): void;
}

/** Called before each message that is sent. */
type BeforeMessage = () => void;

const asItIs = (): BeforeMessage => () => {};

function corking(socket: Socket): BeforeMessage {
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  return () => {
    if (corked) return;
    corked = true;
    socket.cork();
    setImmediate(uncork);
  };
}

export const avscRpc = avscRpcWith(asItIs);
export const avscRpcCorked = avscRpcWith(corking);

function avscRpcWith(batching: (socket: Socket) => BeforeMessage): Contender {
  return {
    workload: canonicalWorkload,

    async serve(kind) {
      const handled = new Handled();
      const echo = async (record: Canonical): Promise<Canonical> => {
        handled.record(record);
        return record;
      };
      const listener = createServer({ noDelay: true }, (socket) => {
        const beforeMessage = batching(socket);
        const server = service.createServer();
        (server as unknown as EchoServer).onEcho((record, answered) => {
          const answer = (response: Canonical): void => {
            beforeMessage();
            answered(null, response);
          };
          if (kind === 'async') {
            void echo(record).then(answer);
          } else {
            handled.record(record);
            answer(record);
          }
        });
        socket.on('error', () => {});
        server.createChannel(socket);
      });
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      return handled.served((listener.address() as AddressInfo).port);
    },

    async dial(port) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const beforeMessage = batching(socket);
      const client = service.createClient({ timeout: 0 });
      await once(client.createChannel(socket), 'handshake');
      const { echo } = client as unknown as EchoClient;
      return (record) =>
        new Promise((resolve, reject) => {
          beforeMessage();
          echo.call(client, record, (error, response) => {
            if (error) reject(error);
            else resolve(response as Canonical);
          });
        });
    },
  };
}
