/** A TCP proxy that passes everything on and keeps the frames of both directions. */
import { once } from 'node:events';
import * as net from 'node:net';
import { type Frame, magic, readFrame } from '../support/frames.js';

export interface TappedFrame extends Frame {
  readonly from: 'client' | 'server';
  /** Connections before it. */
  readonly connection: number;
}

export class FrameTap {
  readonly frames: TappedFrame[] = [];
  connections = 0;
  private readonly sockets = new Set<net.Socket>();

  private constructor(private readonly server: net.Server) {}

  static async start(port: number): Promise<FrameTap> {
    const server = net.createServer({ allowHalfOpen: true });
    const tap = new FrameTap(server);
    server.on('connection', (client) => {
      const connection = tap.connections++;
      const behind = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      tap.pass(client, behind, 'client', connection);
      tap.pass(behind, client, 'server', connection);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return tap;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** How many frames of this name have passed. */
  count(name: string): number {
    return this.frames.filter((frame) => frame.name === name).length;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private pass(source: net.Socket, sink: net.Socket, from: 'client' | 'server', connection: number): void {
    let rest: Buffer = Buffer.alloc(0);
    let preface = true;
    this.sockets.add(source);
    source.setNoDelay(true);
    source.on('error', () => sink.destroy());
    source.on('close', () => this.sockets.delete(source));
    source.on('end', () => sink.end());
    source.on('data', (chunk: Buffer) => {
      sink.write(chunk);
      rest = Buffer.concat([rest, chunk]);
      if (preface && rest.length >= magic.length) {
        preface = false;
        rest = rest.subarray(magic.length);
      }
      if (preface) return;
      for (let read = readFrame(rest); read !== null; read = readFrame(rest)) {
        this.frames.push({ ...read.frame, from, connection });
        rest = rest.subarray(read.end);
      }
    });
  }
}
