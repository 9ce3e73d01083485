/**
 * Loaded before a program of the documents: what listens at a fixed port gets a free one of 127.0.0.1, and who connects to the fixed
 * one is led there. So the reader sees `port: 50051`, and many programs run at once.
 */
import { type AddressInfo, Server, Socket } from 'node:net';

const taken = new Map<number, number>();

interface Place {
  port?: unknown;
  host?: unknown;
}

const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const [options] = args;
  const { port } = (typeof options === 'object' && options !== null ? options : {}) as Place;
  if (typeof port === 'number' && port > 0) {
    this.once('listening', () => taken.set(port, (this.address() as AddressInfo).port));
    args[0] = { ...(options as object), port: 0, host: '127.0.0.1' };
  }
  return Reflect.apply(listen, this, args) as Server;
};

const { connect } = Socket.prototype;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const [first] = args;
  // `net.connect` hands its arguments over as an array.
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null) {
    const place = options as Place;
    const port = taken.get(Number(place.port));
    if (port !== undefined) Object.assign(place, { port, host: '127.0.0.1' });
  }
  return Reflect.apply(connect, this, args) as Socket;
};
