/**
 * ZeroMQ (the addon that the package zeromq brings) over TCP: DEALER to ROUTER for calls, PUSH to PULL for the stream.
 *
 * At its best: a number of 4 bytes as the first part of a message, so that any number of calls is in flight on the one connection;
 * messages are queued while a send is under way, since the addon takes one at a time; the record in Avro by avsc. Its I/O thread
 * shares the core of its process.
 */
import { bytesWorkload } from '../../bytes.js';
import { canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalCommonPackage } from '../rival-package.js';
import { avroCodec, bytesPacking, type Packing, recordPacking } from './avro-codec.js';

type Parts = readonly Buffer[];

interface Socket extends AsyncIterable<Parts> {
  bind(address: string): Promise<void>;
  connect(address: string): void;
  send(message: Buffer | Parts): Promise<void>;
  readonly lastEndpoint: string | null;
}

interface Zeromq {
  readonly version: string;
  readonly Router: new () => Socket;
  readonly Dealer: new () => Socket;
  readonly Push: new () => Socket;
  readonly Pull: new () => Socket;
}

const load = (): Promise<Zeromq> => rivalCommonPackage<Zeromq>('zeromq');

async function bound(socket: Socket): Promise<number> {
  await socket.bind('tcp://127.0.0.1:*');
  return Number(/:(\d+)$/.exec(socket.lastEndpoint ?? '')?.[1]);
}

/** Sends one message after the other. */
function sender(socket: Socket, onError: (error: unknown) => void): (message: Parts) => void {
  let queue: Parts[] = [];
  let sending = false;
  const drain = async (): Promise<void> => {
    sending = true;
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      for (const message of batch) await socket.send(message);
    }
    sending = false;
  };
  return (message) => {
    queue.push(message);
    if (!sending) drain().catch(onError);
  };
}

const fatal = (error: unknown): void => {
  setImmediate(() => {
    throw error;
  });
};

function echo<Message>(
  workload: Workload<Message>,
  packing: () => Packing<Message>,
  look: (handled: Handled, message: Message) => void,
): Contender<Message> {
  return {
    workload,

    async serve() {
      const { Router } = await load();
      const router = new Router();
      const port = await bound(router);
      const { pack, unpack } = packing();
      const handled = new Handled();
      const send = sender(router, fatal);
      const answerAll = async (): Promise<void> => {
        for await (const [peer, call, body] of router) {
          const message = unpack(body as Buffer);
          look(handled, message);
          send([peer as Buffer, call as Buffer, pack(message)]);
        }
      };
      answerAll().catch(fatal);
      return handled.served(port);
    },

    async dial(port) {
      const { Dealer } = await load();
      const dealer = new Dealer();
      dealer.connect(`tcp://127.0.0.1:${port}`);
      const { pack, unpack } = packing();
      const waiting = new Map<number, (message: Message) => void>();
      const send = sender(dealer, fatal);
      const takeAll = async (): Promise<void> => {
        for await (const [call, body] of dealer) {
          const number = (call as Buffer).readUInt32LE();
          const resolve = waiting.get(number);
          if (resolve === undefined) throw new Error(`an answer to call ${number}, which nobody made`);
          waiting.delete(number);
          resolve(unpack(body as Buffer));
        }
      };
      takeAll().catch(fatal);
      let last = 0;
      return (message) =>
        new Promise((resolve) => {
          last = (last + 1) >>> 0;
          waiting.set(last, resolve);
          const call = Buffer.allocUnsafe(4);
          call.writeUInt32LE(last);
          send([call, pack(message)]);
        });
    },
  };
}

const stream: StreamProgram = {
  async serve() {
    const { Push } = await load();
    const push = new Push();
    const port = await bound(push);
    const { encode } = avroCodec();
    let items = 0;
    const sendAll = async (): Promise<void> => {
      for (;;) await push.send(encode(canonicalRecord(items++)));
    };
    sendAll().catch(fatal);
    return { port, calls: () => items };
  },

  async consume(port, check) {
    const { Pull } = await load();
    const pull = new Pull();
    pull.connect(`tcp://127.0.0.1:${port}`);
    const { decode } = avroCodec();
    const takeAll = async (): Promise<void> => {
      for await (const [body] of pull) check.take(decode(body as Buffer));
    };
    takeAll().catch((error: unknown) => check.fail(error));
  },
};

export async function zeromqRival(): Promise<NodeRival> {
  packageVersions(['zeromq']);
  // Loading it shows whether it brings a binary for this machine.
  const { version } = await load();
  return {
    versions: () => `${packageVersions(['zeromq'])}, libzmq ${version}, plain avsc`,
    unary: echo(canonicalWorkload, recordPacking, (handled, record) => handled.record(record)),
    blob: echo(
      bytesWorkload,
      () => bytesPacking,
      (handled, bytes) => handled.block(bytes),
    ),
    stream,
  };
}
