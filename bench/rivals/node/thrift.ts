/**
 * Apache Thrift for Node over TCP. The struct, client and processor below are what its compiler writes for
 *
 *     struct Canonical { 1: i64 id, 2: string name, 3: list<string> tags, 4: double score }
 *     service Echo { Canonical record(1: Canonical value), binary block(1: binary value) }
 *
 * At its best: binary protocol, buffered transport for records and framed transport for blobs, Nagle off on both sides (the server's
 * is on by default), one connection on which any number of calls is in flight. Which of transports and protocols are slower
 * is in ../README.md. Thrift has no streams.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { bytesWorkload } from '../../bytes.js';
import { type Canonical, canonicalWorkload } from '../../canonical.js';
import type { Contender } from '../../contenders/contender.js';
import { Handled } from '../../contenders/handled.js';
import type { Workload } from '../../load.js';
import type { NodeRival } from '../rival.js';
import { packageVersions, rivalCommonPackage } from '../rival-package.js';

interface Protocol {
  writeMessageBegin(name: string, type: number, sequence: number): void;
  writeMessageEnd(): void;
  writeStructBegin(name: string): void;
  writeStructEnd(): void;
  writeFieldBegin(name: string, type: number, id: number): void;
  writeFieldEnd(): void;
  writeFieldStop(): void;
  writeListBegin(type: number, size: number): void;
  writeListEnd(): void;
  writeI64(value: number): void;
  writeDouble(value: number): void;
  writeString(value: string): void;
  writeBinary(value: Buffer): void;
  readMessageBegin(): { readonly fname: string; readonly mtype: number; readonly rseqid: number };
  readMessageEnd(): void;
  readStructBegin(): void;
  readStructEnd(): void;
  readFieldBegin(): { readonly ftype: number; readonly fid: number };
  readFieldEnd(): void;
  readListBegin(): { readonly size: number };
  readListEnd(): void;
  readI64(): { valueOf(): number };
  readDouble(): number;
  readString(): string;
  readBinary(): Buffer;
  skip(type: number): void;
  flush(): void;
}

type ProtocolClass = new (transport: object) => Protocol;
type Answered = (error: Error | null, answer: unknown) => void;

interface Thrift {
  readonly TFramedTransport: object;
  readonly TBufferedTransport: object;
  readonly TBinaryProtocol: ProtocolClass;
  readonly createServer: (processor: object, handler: object, options: object) => Server;
  readonly createConnection: (host: string, port: number, options: object) => NodeJS.EventEmitter;
  readonly createClient: <C>(client: new (output: object, protocol: ProtocolClass) => C, connection: object) => C;
}

/** Numbers of the protocol. */
const STOP = 0;
const DOUBLE = 4;
const I64 = 10;
const STRING = 11;
const STRUCT = 12;
const LIST = 15;
const CALL = 1;
const REPLY = 2;

/** How one type is written and read, and what carries it fastest. */
interface Shape<Message> {
  readonly method: string;
  readonly transport: 'TFramedTransport' | 'TBufferedTransport';
  readonly type: number;
  write(output: Protocol, message: Message): void;
  read(input: Protocol): Message;
}

function readFields(input: Protocol, onField: (id: number, type: number) => void): void {
  input.readStructBegin();
  for (;;) {
    const { ftype, fid } = input.readFieldBegin();
    if (ftype === STOP) break;
    onField(fid, ftype);
    input.readFieldEnd();
  }
  input.readStructEnd();
}

function writeField(output: Protocol, name: string, type: number, id: number, write: () => void): void {
  output.writeFieldBegin(name, type, id);
  write();
  output.writeFieldEnd();
}

const recordShape: Shape<Canonical> = {
  method: 'record',
  transport: 'TBufferedTransport',
  type: STRUCT,
  write(output, { id, name, tags, score }) {
    output.writeStructBegin('Canonical');
    output.writeFieldBegin('id', I64, 1);
    output.writeI64(id);
    output.writeFieldEnd();
    output.writeFieldBegin('name', STRING, 2);
    output.writeString(name);
    output.writeFieldEnd();
    output.writeFieldBegin('tags', LIST, 3);
    output.writeListBegin(STRING, tags.length);
    for (const tag of tags) output.writeString(tag);
    output.writeListEnd();
    output.writeFieldEnd();
    output.writeFieldBegin('score', DOUBLE, 4);
    output.writeDouble(score);
    output.writeFieldEnd();
    output.writeFieldStop();
    output.writeStructEnd();
  },
  read(input) {
    let id = 0;
    let name = '';
    const tags: string[] = [];
    let score = 0;
    readFields(input, (field, type) => {
      if (field === 1) id = input.readI64().valueOf();
      else if (field === 2) name = input.readString();
      else if (field === 3) {
        const { size } = input.readListBegin();
        for (let tag = 0; tag < size; tag++) tags.push(input.readString());
        input.readListEnd();
      } else if (field === 4) score = input.readDouble();
      else input.skip(type);
    });
    return { id, name, tags, score };
  },
};

const blockShape: Shape<Buffer> = {
  method: 'block',
  transport: 'TFramedTransport',
  type: STRING,
  write: (output, bytes) => output.writeBinary(bytes),
  read: (input) => input.readBinary(),
};

/** A call's arguments or its result: a struct of one field. */
function writeMessage<M>(
  output: Protocol,
  shape: Shape<M>,
  message: M,
  kind: typeof CALL | typeof REPLY,
  sequence: number,
): void {
  const { method, type } = shape;
  output.writeMessageBegin(method, kind, sequence);
  output.writeStructBegin(kind === CALL ? `Echo_${method}_args` : `Echo_${method}_result`);
  writeField(output, kind === CALL ? 'value' : 'success', type, kind === CALL ? 1 : 0, () =>
    shape.write(output, message),
  );
  output.writeFieldStop();
  output.writeStructEnd();
  output.writeMessageEnd();
  output.flush();
}

function readMessage<M>(input: Protocol, shape: Shape<M>): M {
  let message: M | undefined;
  readFields(input, (_, type) => {
    if (type === shape.type) message = shape.read(input);
    else input.skip(type);
  });
  input.readMessageEnd();
  if (message === undefined) throw new Error(`a message of ${shape.method} without its value`);
  return message;
}

function processorOf<M>(shape: Shape<M>, handle: (message: M) => M): object {
  return class {
    process(input: Protocol, output: Protocol): void {
      const { rseqid } = input.readMessageBegin();
      writeMessage(output, shape, handle(readMessage(input, shape)), REPLY, rseqid);
    }
  };
}

interface Client<M> {
  call(message: M, answered: Answered): void;
}

/** The connection looks for `_reqs` and for `recv_` and the method's name. */
function clientOf<M>(shape: Shape<M>): new (output: object, protocol: ProtocolClass) => Client<M> {
  return class {
    readonly _reqs: Record<number, Answered> = {};
    private sequence = 0;

    constructor(
      private readonly output: object,
      private readonly protocol: ProtocolClass,
    ) {
      Object.assign(this, { [`recv_${shape.method}`]: this.receive });
    }

    call(message: M, answered: Answered): void {
      const sequence = ++this.sequence;
      this._reqs[sequence] = answered;
      writeMessage(new this.protocol(this.output), shape, message, CALL, sequence);
    }

    private readonly receive = (input: Protocol, _kind: number, sequence: number): void => {
      const answered = this._reqs[sequence] as Answered;
      delete this._reqs[sequence];
      answered(null, readMessage(input, shape));
    };
  };
}

const loadThrift = (): Promise<Thrift> => rivalCommonPackage<Thrift>('thrift');

function echo<M>(workload: Workload<M>, shape: Shape<M>, look: (handled: Handled, message: M) => void): Contender<M> {
  return {
    workload,

    async serve() {
      const thrift = await loadThrift();
      const handled = new Handled();
      const Processor = processorOf(shape, (message) => {
        look(handled, message);
        return message;
      });
      const options = { transport: thrift[shape.transport], protocol: thrift.TBinaryProtocol };
      const server = thrift.createServer(Processor, {}, options);
      server.on('connection', (socket: Socket) => socket.setNoDelay(true));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return handled.served((server.address() as AddressInfo).port);
    },

    async dial(port) {
      const thrift = await loadThrift();
      const options = { transport: thrift[shape.transport], protocol: thrift.TBinaryProtocol };
      const connection = thrift.createConnection('127.0.0.1', port, options);
      connection.on('error', (error: Error) => {
        throw error;
      });
      const client = thrift.createClient(clientOf(shape), connection);
      await once(connection, 'connect');
      return (message) =>
        new Promise((resolve, reject) => {
          client.call(message, (error, answer) => {
            if (error === null) resolve(answer as M);
            else reject(error);
          });
        });
    },
  };
}

export const thriftRival: NodeRival = {
  versions: () => packageVersions(['thrift']),
  unary: echo(canonicalWorkload, recordShape, (handled, record) => handled.record(record)),
  blob: echo(bytesWorkload, blockShape, (handled, bytes) => handled.block(bytes)),
};
