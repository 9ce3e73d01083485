/**
 * A name server on 127.0.0.1 for tests: A, AAAA and SRV records of a table that the test changes as it goes. A name that is not in
 * the table does not exist (NXDOMAIN); one that is there without records of the asked type has none (NODATA).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

export interface Records {
  readonly addresses?: readonly string[];
  readonly srv?: readonly {
    readonly priority: number;
    readonly weight: number;
    readonly port: number;
    readonly name: string;
  }[];
  /** `silent`: no answer; `fails`: SERVFAIL. */
  readonly fault?: 'silent' | 'fails';
}

const A = 1;
const AAAA = 28;
const SRV = 33;

export class DnsServer {
  readonly table = new Map<string, Records>();
  /** Names asked for, in order, once for each type. */
  readonly asked: string[] = [];
  private readonly socket: Socket = createSocket('udp4');

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.socket.on('message', (query, from) => server.answer(query, from));
    server.socket.bind(0, '127.0.0.1');
    await once(server.socket, 'listening');
    return server;
  }

  /** For `Resolver.setServers`. */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  private answer(query: Buffer, from: RemoteInfo): void {
    const { name, end } = readName(query, 12);
    const type = query.readUInt16BE(end);
    this.asked.push(name);
    const records = this.table.get(name);
    if (records?.fault === 'silent') return;
    const code = records === undefined ? 3 : records.fault === 'fails' ? 2 : 0;
    const answers = code === 0 ? dataOf(records ?? {}, type) : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // An answer, authoritative, recursion available.
    header.writeUInt16BE(0x8580 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    const question = query.subarray(12, end + 4);
    this.socket.send(
      Buffer.concat([header, question, ...answers.map((data) => record(type, data))]),
      from.port,
      from.address,
    );
  }
}

function dataOf({ addresses = [], srv = [] }: Records, type: number): Buffer[] {
  if (type === A)
    return addresses.filter((text) => !isIPv6(text)).map((text) => Buffer.from(text.split('.').map(Number)));
  if (type === AAAA) return addresses.filter((text) => isIPv6(text)).map(ipv6Bytes);
  if (type !== SRV) return [];
  return srv.map(({ priority, weight, port, name }) => {
    const numbers = Buffer.alloc(6);
    [priority, weight, port].forEach((number, index) => numbers.writeUInt16BE(number, index * 2));
    return Buffer.concat([numbers, nameBytes(name)]);
  });
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  // The name is that of the question, at byte 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function readName(bytes: Buffer, at: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let end = at;
  for (let length = bytes[end] ?? 0; length > 0; length = bytes[end] ?? 0) {
    labels.push(bytes.toString('latin1', end + 1, end + 1 + length));
    end += 1 + length;
  }
  return { name: labels.join('.'), end: end + 1 };
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.alloc(1)]);
}

function ipv6Bytes(text: string): Buffer {
  const [head = '', tail = ''] = text.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const [front, back] = [words(head), words(tail)];
  const bytes = Buffer.alloc(16);
  [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back].forEach((word, index) =>
    bytes.writeUInt16BE(word, index * 2),
  );
  return bytes;
}
