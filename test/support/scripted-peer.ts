/**
 * A peer that does exactly what a test says, byte by byte: it sends frames, right ones and wrong ones, and expects
 * frames, each within a time limit. It knows the framing and no more: it never answers on its own, so a test reads as
 * the dialogue that it is. Everything received is kept; the story so far stands in the text of a failed expectation.
 *
 *     const peer = await ScriptedPeer.dial({ port });
 *     await peer.handshake();
 *     peer.send(frame('PING', { payload: '12345678' }));
 *     await peer.expect('PONG');
 *     peer.destroy();
 */
import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { type Frame, type FrameName, frame, frameBytes, magic, readFrame } from './frames.js';
import {
  type FrameRecords,
  type HelloRecord,
  helloRecord,
  type RecordName,
  readRecord,
  writeRecord,
} from './records.js';

export interface ScriptedPeerOptions {
  /** Time that each expectation has. Default 5,000 ms: long enough for any machine, it only delays failures. */
  readonly expectMs?: number;
  /** Bytes that this peer may write in all; more is an error of the test. Default 16 MiB. */
  readonly writeBytesMax?: number;
}

export interface DialTarget {
  readonly host?: string;
  readonly port?: number;
  /** Of a unix socket, instead of host and port. */
  readonly path?: string;
  /** Given: the dialogue runs over TLS. */
  readonly tls?: tls.ConnectionOptions;
}

/** How the other side ended: it sent FIN, it sent RST. */
export type PeerEnding = 'fin' | 'reset';

export class ScriptedPeer {
  /** Every frame received so far, expected or not. */
  readonly frames: Frame[] = [];
  /** For what the methods here do not offer. */
  readonly socket: net.Socket;
  readonly #expectMs: number;
  readonly #writeBytesMax: number;
  #bytesWritten = 0;
  #bytesRead = 0;
  /** What has arrived and is not a whole frame, as it came. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** How long the rest must become before it is worth another look. */
  #restBytesMin = magic.length;
  #magic: Buffer | null = null;
  #ending: PeerEnding | null = null;
  #error: Error | null = null;
  /** Index in `frames` of the first one that no expectation has taken. */
  #next = 0;
  readonly #waiting = new Set<() => void>();

  /** Takes over a connected socket, which must have been made with `allowHalfOpen`. */
  constructor(socket: net.Socket, options: ScriptedPeerOptions = {}) {
    this.socket = socket;
    this.#expectMs = options.expectMs ?? 5_000;
    this.#writeBytesMax = options.writeBytesMax ?? 16 * 1024 * 1024;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#finish('fin'));
    socket.on('error', (error) => {
      this.#error ??= error;
      this.#finish('reset');
    });
    socket.on('close', () => this.#finish('reset'));
  }

  /** Connects as the dialling side. Nothing is sent yet. */
  static async dial(target: DialTarget, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> {
    const { tls: secure, path, host = '127.0.0.1', port = 0 } = target;
    const address = path === undefined ? { host, port } : { path };
    const socket = net.connect({ ...address, allowHalfOpen: true });
    if (secure === undefined) {
      await once(socket, 'connect');
      return new ScriptedPeer(socket, options);
    }
    const secured = tls.connect({ socket, ALPNProtocols: ['trunkline/1'], ...secure });
    await once(secured, 'secureConnect');
    return new ScriptedPeer(secured, options);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** How the other side ended, null while it has not. */
  get ending(): PeerEnding | null {
    return this.#ending;
  }

  /** Sends the bytes as one write. */
  send(...parts: readonly Buffer[]): void {
    const bytes = Buffer.concat(parts);
    this.#bytesWritten += bytes.length;
    if (this.#bytesWritten > this.#writeBytesMax) {
      throw new Error(`the scripted peer was given ${this.#writeBytesMax} bytes to write and needs more`);
    }
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Sends a record in the frame that carries it. */
  sendRecord<Name extends RecordName>(name: Name, record: FrameRecords[Name], call = 0, method = 0): void {
    this.send(frame(name, { call, method, payload: writeRecord(name, record) }));
  }

  /** Sends magic and HELLO. */
  sendPreface(changes: Parameters<typeof helloRecord>[0] = {}): void {
    this.send(magic, frame('HELLO', { payload: writeRecord('HELLO', helloRecord(changes)) }));
  }

  /** Sends pieces of the given sizes (one size: all alike), each in a turn of the event loop of its own. */
  async sendSliced(bytes: Buffer, sizes: number | readonly number[]): Promise<void> {
    let at = 0;
    for (let i = 0; at < bytes.length; i++) {
      const size = typeof sizes === 'number' ? sizes : (sizes[i] ?? bytes.length);
      this.send(bytes.subarray(at, at + size));
      at += size;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when everything sent was handed to the kernel, or the connection is over. */
  async flushed(): Promise<void> {
    await this.#until(
      'an empty send buffer',
      () => this.#ending !== null || this.socket.writableLength === 0 || undefined,
    );
  }

  /** The magic of the other side, checked. */
  async expectMagic(): Promise<void> {
    const received = await this.#until('the magic bytes', () => this.#magic ?? undefined);
    if (!received.equals(magic)) throw new Error(`expected the magic bytes, got ${received.toString('hex')}`);
  }

  /** The next frame, which must be of this type and have the given values in its header. */
  async expect(name: FrameName, header: Partial<Omit<Frame, 'payload'>> = {}): Promise<Frame> {
    const next = await this.#nextFrame(name);
    const wanted = Object.entries({ name, ...header });
    const wrong = wanted.find(([field, value]) => next[field as keyof Frame] !== value);
    if (wrong === undefined) return next;
    throw new Error(`expected ${wrong[0]} ${String(wrong[1])}, got ${describe(next)}; ${this.#story()}`);
  }

  /** As `expect`, and the record in it. Not for FAILURE with a prefix or SCHEMA in several frames. */
  async expectRecord<Name extends RecordName>(
    name: Name,
    header: Partial<Omit<Frame, 'payload'>> = {},
  ): Promise<FrameRecords[Name]> {
    return readRecord(name, (await this.expect(name, header)).payload);
  }

  /** The next frame of this type; frames before it are passed over. */
  async skipTo(name: FrameName): Promise<Frame> {
    for (;;) {
      const next = await this.#nextFrame(name);
      if (next.name === name) return next;
    }
  }

  /** Magic and HELLO of the other side. */
  async expectPreface(): Promise<HelloRecord> {
    await this.expectMagic();
    return this.expectRecord('HELLO');
  }

  /** Sends the preface and expects that of the other side. */
  async handshake(changes: Parameters<typeof helloRecord>[0] = {}): Promise<HelloRecord> {
    this.sendPreface(changes);
    return this.expectPreface();
  }

  /** CLOSE, whatever comes before it, then the end. Checks the code if one is given. */
  async expectClose(code?: number): Promise<FrameRecords['CLOSE']> {
    const close = readRecord('CLOSE', (await this.skipTo('CLOSE')).payload);
    if (code !== undefined && close.code !== code) {
      throw new Error(`expected CLOSE ${code}, got ${close.code} "${close.text}"; ${this.#story()}`);
    }
    await this.expectEnd();
    return close;
  }

  /** FIN or RST, and no frame before it that was not expected. */
  async expectEnd(): Promise<PeerEnding> {
    const ending = await this.#until('the end of the connection', () => this.#ending ?? undefined);
    const extra = this.frames[this.#next];
    if (extra !== undefined) throw new Error(`expected the end, got ${describe(extra)}; ${this.#story()}`);
    if (this.#restBytes > 0) throw new Error(`${this.#restBytes} bytes of a frame before the end; ${this.#story()}`);
    return ending;
  }

  /** Nothing arrives for so long, the end included. */
  async expectSilence(ms: number): Promise<void> {
    const before = this.#bytesRead;
    const unexpected = this.frames[this.#next];
    if (unexpected === undefined && this.#ending === null) await new Promise((resolve) => setTimeout(resolve, ms));
    if (unexpected === undefined && this.#ending === null && this.#bytesRead === before) return;
    throw new Error(`expected silence for ${ms} ms; ${this.#story()}`);
  }

  /** Stops reading, so that the other side's writes pile up. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends FIN and goes on reading. */
  end(): void {
    this.socket.end();
  }

  /** Sends RST. Not over TLS. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Drops the connection, whatever state it is in. */
  destroy(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytesRead += chunk.length;
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes >= this.#restBytesMin) this.#parse(Buffer.concat(this.#rest));
    this.#wake();
  }

  #parse(bytes: Buffer): void {
    let rest = bytes;
    if (this.#magic === null) {
      this.#magic = rest.subarray(0, magic.length);
      rest = rest.subarray(magic.length);
    }
    for (let read = readFrame(rest); read !== null; read = readFrame(rest)) {
      this.frames.push(read.frame);
      rest = rest.subarray(read.end);
    }
    this.#rest = [rest];
    this.#restBytes = rest.length;
    this.#restBytesMin = frameBytes(rest);
  }

  #finish(ending: PeerEnding): void {
    this.#ending ??= ending;
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  async #nextFrame(name: string): Promise<Frame> {
    const next = await this.#until(name, () => this.frames[this.#next] ?? (this.#ending === null ? undefined : null));
    if (next === null) throw new Error(`expected ${name}; ${this.#story()}`);
    this.#next++;
    return next;
  }

  /** What `probe` gives as soon as it is not undefined. Asked again whenever something happened on the socket. */
  #until<T>(what: string, probe: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timeout);
        this.#waiting.delete(check);
        this.socket.off('drain', check);
      };
      const check = () => {
        const found = probe();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const timeout = setTimeout(() => {
        stop();
        reject(new Error(`expected ${what} within ${this.#expectMs} ms; ${this.#story()}`));
      }, this.#expectMs);
      this.#waiting.add(check);
      this.socket.on('drain', check);
      check();
    });
  }

  #story(): string {
    const shown = this.frames.slice(-20).map(describe).join(', ') || 'no frame';
    const rest = this.#restBytes > 0 ? `, ${this.#restBytes} bytes of the next frame` : '';
    const ending = this.#ending === null ? '' : `, then ${this.#ending}`;
    return `received: ${shown}${rest}${ending}${this.#error === null ? '' : ` (${this.#error.message})`}`;
  }
}

function describe({ name, flags, call, method, payload }: Frame): string {
  const parts = [name];
  if (call !== 0) parts.push(`call 0x${call.toString(16)}`);
  if (flags !== 0) parts.push(`flags 0x${flags.toString(16)}`);
  if (method !== 0) parts.push(`method ${method}`);
  parts.push(`${payload.length} bytes`);
  return parts.join(' ');
}
