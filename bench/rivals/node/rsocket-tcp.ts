/**
 * RSocket for JavaScript (rsocket-core, rsocket-tcp-client and -server 0.0.27) over TCP: requestResponse and requestStream.
 *
 * At its best: Nagle off on both sides (it is on by default), payloads as buffers, the record in Avro by avsc, as RSocket has no
 * codec. The stream's client asks for 1,024 items, and for half as many whenever it has taken those.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { bytesWorkload } from '../../bytes.js';
import { canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalCommonPackage } from '../rival-package.js';
import { avroCodec, bytesPacking, type Packing, recordPacking } from './avro-codec.js';

interface Payload {
  readonly data: Buffer;
}

interface Subscription {
  request(items: number): void;
}

interface Single {
  subscribe(subscriber: { onComplete(payload: Payload): void; onError(error: Error): void }): void;
}

interface Flowable {
  subscribe(subscriber: {
    onSubscribe(subscription: Subscription): void;
    onNext(payload: Payload): void;
    onError(error: Error): void;
    onComplete(): void;
  }): void;
}

interface ClientSocket {
  requestResponse(payload: Payload): Single;
  requestStream(payload: Payload): Flowable;
}

interface Responder {
  requestResponse?(payload: Payload): Single;
  requestStream?(payload: Payload): Flowable;
}

interface Core {
  readonly BufferEncoders: object;
  readonly RSocketClient: new (
    config: object,
  ) => {
    connect(): { subscribe(subscriber: { onComplete(socket: ClientSocket): void; onError(error: Error): void }): void };
  };
  readonly RSocketServer: new (config: { transport: object; getRequestHandler(): Responder }) => { start(): void };
}

interface FlowablePackage {
  readonly Single: { of(payload: Payload): Single };
  readonly Flowable: new (
    source: (subscriber: {
      onSubscribe(subscription: Subscription & { cancel(): void }): void;
      onNext(payload: Payload): void;
    }) => void,
  ) => Flowable;
}

type Transport = new (options: object, encoders: object) => object;

const loadCore = (): Promise<Core> => rivalCommonPackage<Core>('rsocket-core');
const loadFlowable = (): Promise<FlowablePackage> => rivalCommonPackage<FlowablePackage>('rsocket-flowable');
const loadTransport = async (side: 'client' | 'server'): Promise<Transport> =>
  (await rivalCommonPackage<{ readonly default: Transport }>(`rsocket-tcp-${side}`)).default;

/** Longer than any run, so that keepalives play no part. */
const KEEPALIVE_MS = 60_000;
const LIFETIME_MS = 180_000;

async function listen(responder: Responder): Promise<number> {
  const { RSocketServer, BufferEncoders } = await loadCore();
  const TcpServer = await loadTransport('server');
  // It makes its server in `start`, by this.
  const server = createServer({ noDelay: true });
  const serverFactory = (onConnection: (socket: Socket) => void): Server => server.on('connection', onConnection);
  const transport = new TcpServer({ host: '127.0.0.1', port: 0, serverFactory }, BufferEncoders);
  new RSocketServer({ transport, getRequestHandler: () => responder }).start();
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function dialed(port: number): Promise<ClientSocket> {
  const { RSocketClient, BufferEncoders } = await loadCore();
  const TcpClient = await loadTransport('client');
  const mime = 'application/octet-stream';
  const setup = { keepAlive: KEEPALIVE_MS, lifetime: LIFETIME_MS, dataMimeType: mime, metadataMimeType: mime };
  const transport = new TcpClient({ host: '127.0.0.1', port, noDelay: true }, BufferEncoders);
  return new Promise((resolve, reject) => {
    new RSocketClient({ setup, transport }).connect().subscribe({ onComplete: resolve, onError: reject });
  });
}

function echo<Message>(
  workload: Workload<Message>,
  packing: () => Packing<Message>,
  look: (handled: Handled, message: Message) => void,
): Contender<Message> {
  return {
    workload,

    async serve() {
      const { Single } = await loadFlowable();
      const { pack, unpack } = packing();
      const handled = new Handled();
      const port = await listen({
        requestResponse({ data }) {
          const message = unpack(data);
          look(handled, message);
          return Single.of({ data: pack(message) });
        },
      });
      return handled.served(port);
    },

    async dial(port) {
      const socket = await dialed(port);
      const { pack, unpack } = packing();
      return (message) =>
        new Promise((resolve, reject) => {
          const single = socket.requestResponse({ data: pack(message) });
          single.subscribe({ onComplete: ({ data }) => resolve(unpack(data)), onError: reject });
        });
    },
  };
}

const ITEMS_ASKED = 1024;

const stream: StreamProgram = {
  async serve() {
    const { Flowable } = await loadFlowable();
    const { encode } = avroCodec();
    let items = 0;
    const source = (): Flowable =>
      new Flowable((subscriber) => {
        subscriber.onSubscribe({
          cancel: () => {},
          request: (count) => {
            for (let sent = 0; sent < count; sent++) subscriber.onNext({ data: encode(canonicalRecord(items++)) });
          },
        });
      });
    return { port: await listen({ requestStream: source }), calls: () => items };
  },

  async consume(port, check) {
    const socket = await dialed(port);
    const { encode, decode } = avroCodec();
    let left = ITEMS_ASKED;
    let subscription: Subscription | null = null;
    socket.requestStream({ data: encode(canonicalRecord(1)) }).subscribe({
      onSubscribe: (given) => {
        subscription = given;
        given.request(ITEMS_ASKED);
      },
      onNext: ({ data }) => {
        check.take(decode(data));
        if (--left > ITEMS_ASKED / 2) return;
        left += ITEMS_ASKED / 2;
        subscription?.request(ITEMS_ASKED / 2);
      },
      onError: (error) => check.fail(error),
      onComplete: () => check.fail('the stream ended'),
    });
  },
};

export function rsocketRival(): NodeRival {
  return {
    versions: () => `${packageVersions(['rsocket-core', 'rsocket-tcp-client', 'rsocket-tcp-server'])}, plain avsc`,
    unary: echo(canonicalWorkload, recordPacking, (handled, record) => handled.record(record)),
    blob: echo(
      bytesWorkload,
      () => bytesPacking,
      (handled, bytes) => handled.block(bytes),
    ),
    stream,
  };
}
