/**
 * gRPC for Node (@grpc/grpc-js), insecure HTTP/2 over one connection.
 *
 * At its best: messages by protobufjs' compiled functions without the conversions that proto-loader adds, no channelz, no
 * retries, no compression, no interceptors, no deadline. Which of them help by how much is in ../README.md.
 */
import { once } from 'node:events';
import { bytesWorkload } from '../../bytes.js';
import { type Canonical, canonicalRecord, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { StreamProgram } from '../../stream/program.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalCommonPackage } from '../rival-package.js';
import { messageType } from './canonical-proto.js';

type Options = Readonly<Record<string, number>>;

interface ServerStream<Item> {
  write(item: Item): boolean;
  readonly cancelled: boolean;
  on(event: 'drain' | 'cancelled' | 'error', listener: () => void): void;
}

interface Client<Message> {
  makeUnaryRequest(
    path: string,
    serialize: (message: Message) => Buffer,
    deserialize: (bytes: Buffer) => Message,
    message: Message,
    answered: (error: Error | null, answer: Message) => void,
  ): void;
  makeServerStreamRequest(
    path: string,
    serialize: (message: Message) => Buffer,
    deserialize: (bytes: Buffer) => Message,
    message: Message,
  ): {
    on(event: 'data', listener: (item: Message) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'end', listener: () => void): void;
  };
  waitForReady(deadline: number, done: (error?: Error) => void): void;
}

interface Grpc {
  readonly Server: new (
    options: Options,
  ) => {
    addService(definition: object, implementation: object): void;
    bindAsync(address: string, credentials: object, done: (error: Error | null, port: number) => void): void;
  };
  readonly Client: new <Message>(address: string, credentials: object, options: Options) => Client<Message>;
  readonly ServerCredentials: { createInsecure(): object };
  readonly credentials: { createInsecure(): object };
}

interface UnaryCall<Message> {
  readonly request: Message;
}

interface Codec<Message> {
  readonly serialize: (message: Message) => Buffer;
  readonly deserialize: (bytes: Buffer) => Message;
}

const options: Options = { 'grpc.enable_channelz': 0, 'grpc.enable_retries': 0 };
const READY_MS_MAX = 10_000;

const loadGrpc = (): Promise<Grpc> => rivalCommonPackage<Grpc>('@grpc/grpc-js');

async function codecOf<Message>(name: 'Canonical' | 'Block'): Promise<Codec<Message>> {
  const type = await messageType<Message>(name);
  return {
    serialize: (message) => type.encode(message).finish() as Buffer,
    deserialize: (bytes) => type.decode(bytes),
  };
}

function method<Message>(path: string, codec: Codec<Message>, responseStream: boolean): object {
  const { serialize, deserialize } = codec;
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

async function listen(definition: object, implementation: object): Promise<number> {
  const grpc = await loadGrpc();
  const server = new grpc.Server(options);
  server.addService(definition, implementation);
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

async function dialed<Message>(port: number): Promise<Client<Message>> {
  const grpc = await loadGrpc();
  const client = new grpc.Client<Message>(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + READY_MS_MAX, (error) => (error ? reject(error) : resolve()));
  });
  return client;
}

const UNARY = '/bench.Echo/Echo';
const LIST = '/bench.Items/List';

/** An echo of messages that travel as `Wire`. */
function echo<Message, Wire>(
  workload: Workload<Message>,
  name: 'Canonical' | 'Block',
  wrap: (message: Message) => Wire,
  unwrap: (wire: Wire) => Message,
  look: (handled: Handled, message: Message) => void,
): Contender<Message> {
  return {
    workload,

    async serve() {
      const handled = new Handled();
      const codec = await codecOf<Wire>(name);
      const echoed = ({ request }: UnaryCall<Wire>, answer: (error: null, response: Wire) => void): void => {
        look(handled, unwrap(request));
        answer(null, request);
      };
      return handled.served(await listen({ echo: method(UNARY, codec, false) }, { echo: echoed }));
    },

    async dial(port) {
      const { serialize, deserialize } = await codecOf<Wire>(name);
      const client = await dialed<Wire>(port);
      return (message) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(UNARY, serialize, deserialize, wrap(message), (error, answer) => {
            if (error === null) resolve(unwrap(answer));
            else reject(error);
          });
        });
    },
  };
}

interface Block {
  readonly bytes: Buffer;
}

const same = (record: Canonical): Canonical => record;

const stream: StreamProgram = {
  async serve() {
    let items = 0;
    const list = async (call: ServerStream<Canonical>): Promise<void> => {
      call.on('error', () => {});
      const drains = call as unknown as NodeJS.EventEmitter;
      while (!call.cancelled) if (!call.write(canonicalRecord(items++))) await once(drains, 'drain');
    };
    const codec = await codecOf<Canonical>('Canonical');
    const port = await listen({ list: method(LIST, codec, true) }, { list });
    return { port, calls: () => items };
  },

  async consume(port, check) {
    const { serialize, deserialize } = await codecOf<Canonical>('Canonical');
    const call = (await dialed<Canonical>(port)).makeServerStreamRequest(
      LIST,
      serialize,
      deserialize,
      canonicalRecord(1),
    );
    call.on('data', (item) => check.take(item));
    call.on('error', (error) => check.fail(error));
    call.on('end', () => check.fail('the stream ended'));
  },
};

export const grpcJsRival: NodeRival = {
  versions: () => packageVersions(['@grpc/grpc-js', 'protobufjs']),
  unary: echo(canonicalWorkload, 'Canonical', same, same, (handled, record) => handled.record(record)),
  blob: echo<Buffer, Block>(
    bytesWorkload,
    'Block',
    (bytes) => ({ bytes }),
    ({ bytes }) => bytes,
    (handled, bytes) => handled.block(bytes),
  ),
  stream,
};
