/**
 * Requests to etcd v3 through its JSON gateway, `POST /v3/...`, over `fetch`. One member of the cluster is asked at a time; a user of the
 * client calls `next` when that member fails. Requests have a time limit and answers a byte limit, since etcd's content is not trusted.
 *
 * Used by `EtcdResolver` and `EtcdRegistration`, one client each.
 */
import type { Clock } from '../../base/clock.js';
import { rpcCodeName } from '../../base/codes.js';
import { isError, reasonOf } from '../../base/error-values.js';
import { limitError, RpcError } from '../../base/errors.js';
import { positive } from '../resolver/look-up-loop.js';

/** What is used of `fetch`. */
export type EtcdFetch = (
  url: string,
  init: {
    readonly method: 'POST';
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly redirect: 'error';
  },
) => Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> | null }>;

/** The members of etcd, and the prefix of the endpoints: the same for `EtcdResolver` and `EtcdRegistry`. */
export interface EtcdOptions {
  /** Client URLs of one or more members: `http://127.0.0.1:2379`. One is chosen at random; when it fails, the next. */
  readonly endpoints: readonly string[];
  /** Each server has a key of its own below it: `/services/cities` holds `/services/cities/...`. */
  readonly prefix: string;
  /** The user of etcd, if it requires authentication. */
  readonly username?: string;
  readonly password?: string;
  /** A `fetch` with your own TLS settings, or for tests. Default: the global `fetch`. */
  readonly fetch?: EtcdFetch;
  /** Milliseconds for the answer to one request; then the next member is asked. Default 3,000. */
  readonly requestMsMax?: number;
  /** Longest answer, and longest message of a watch, in bytes. Default 4 MiB. */
  readonly responseBytesMax?: number;
}

/** The reason of requests that this side has stopped; never reported. */
const stopped = new RpcError('CANCELLED', 'stopped');

export class EtcdClient {
  private readonly fetch: EtcdFetch;
  private readonly bases: readonly string[];
  private readonly requestMsMax: number;
  private readonly responseBytesMax: number;
  private readonly open = new Set<AbortController>();
  private at: number;
  private token: string | null = null;
  private closed = false;

  constructor(
    private readonly options: EtcdOptions,
    private readonly clock: Clock,
    random: () => number,
  ) {
    this.fetch = options.fetch ?? fetch;
    this.bases = basesOf(options);
    this.requestMsMax = positive('requestMsMax', options.requestMsMax ?? 3_000);
    this.responseBytesMax = positive('responseBytesMax', options.responseBytesMax ?? 4 * 1024 * 1024);
    this.at = Math.floor(random() * this.bases.length);
  }

  /** The member that is asked. */
  get base(): string {
    return this.bases[this.at];
  }

  get members(): number {
    return this.bases.length;
  }

  /** The next request goes to another member, if there is one. */
  next(): void {
    this.at = (this.at + 1) % this.bases.length;
  }

  /** Sends a request and reads its one answer. Rejects with an `RpcError`. */
  async ask(path: string, request: object): Promise<unknown> {
    return this.authenticated(() => this.askOnce(path, request));
  }

  /**
   * Sends a request and hands over the messages of its answer, each a line of JSON, as they come; the first must come in time.
   * Resolves when the answer ended. `control` ends it: its reason is what this rejects with.
   */
  async stream(
    path: string,
    request: object,
    onMessage: (message: unknown) => void,
    control: AbortController,
  ): Promise<void> {
    this.open.add(control);
    try {
      await this.authenticated(() => this.streamOnce(path, request, onMessage, control));
    } finally {
      this.open.delete(control);
      // Whoever leaves early closes the connection behind it.
      control.abort(stopped);
    }
  }

  /** Ends every request, now and from now on. */
  close(): void {
    this.closed = true;
    this.abort();
  }

  /** Ends every request; those who wait get CANCELLED. Others may follow. */
  abort(): void {
    for (const control of this.open) control.abort(stopped);
  }

  private async askOnce(path: string, request: object, headers: Record<string, string> = {}): Promise<unknown> {
    const control = new AbortController();
    this.open.add(control);
    const timer = this.clock.setTimer(() => control.abort(this.late()), this.requestMsMax);
    try {
      const body = await this.send(path, request, control, headers);
      let text = '';
      for await (const line of linesOf(body, this.responseBytesMax)) text += line;
      return this.parse(text);
    } catch (error) {
      throw this.failureOf(error, control);
    } finally {
      timer.cancel();
      this.open.delete(control);
    }
  }

  private async streamOnce(
    path: string,
    request: object,
    onMessage: (message: unknown) => void,
    control: AbortController,
  ): Promise<void> {
    const timer = this.clock.setTimer(() => control.abort(this.late()), this.requestMsMax);
    try {
      // With this header a member that lost its leader ends the watch instead of going silent.
      const body = await this.send(path, request, control, { 'Grpc-Metadata-hasleader': 'true' });
      for await (const line of linesOf(body, this.responseBytesMax)) {
        timer.cancel();
        onMessage(this.parse(line));
      }
    } catch (error) {
      throw this.failureOf(error, control);
    } finally {
      timer.cancel();
    }
  }

  /** Resolves with the body of an answer that is none of an error. */
  private async send(
    path: string,
    request: object,
    { signal }: AbortController,
    more: Record<string, string>,
  ): Promise<AsyncIterable<Uint8Array>> {
    if (this.closed) throw stopped;
    const headers = { 'Content-Type': 'application/json', ...more };
    if (this.token !== null) Object.assign(headers, { Authorization: this.token });
    const body = JSON.stringify(request);
    const answer = await this.fetch(`${this.base}${path}`, {
      method: 'POST',
      headers,
      body,
      signal,
      redirect: 'error',
    });
    if (answer.status === 200 && answer.body !== null) return answer.body;
    let text = '';
    for await (const line of linesOf(answer.body ?? nothing(), this.responseBytesMax)) text += line;
    throw this.refusal(text, `HTTP status ${answer.status}`);
  }

  /** Asks for a token when one is needed, and once more when etcd no longer accepts it. */
  private async authenticated<T>(use: () => Promise<T>): Promise<T> {
    const { username, password = '' } = this.options;
    if (username === undefined) return use();
    const fresh = this.token === null;
    if (fresh) await this.authenticate(username, password);
    try {
      return await use();
    } catch (error) {
      if (fresh || !(error instanceof RpcError) || !isOfToken(error)) throw error;
      this.token = null;
    }
    await this.authenticate(username, password);
    return use();
  }

  private async authenticate(name: string, password: string): Promise<void> {
    const { token } = record(await this.askOnce('/v3/auth/authenticate', { name, password }));
    if (typeof token !== 'string') throw new RpcError('UNAUTHENTICATED', `etcd ${this.base} gave no token`);
    this.token = token;
  }

  private parse(text: string): unknown {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      throw new RpcError('INTERNAL', `etcd ${this.base} sent invalid JSON: ${JSON.stringify(text.slice(0, 80))}`);
    }
    // A stream that fails says so in a message.
    if (record(message)['error'] !== undefined) throw this.refusal(text, 'error');
    return message;
  }

  /** The gateway has had several forms of error; all carry gRPC's number of the code and a text. */
  private refusal(text: string, otherwise: string): RpcError {
    let said: Record<string, unknown> = {};
    try {
      const message = record(JSON.parse(text));
      said = typeof message['error'] === 'object' ? record(message['error']) : message;
    } catch {
      // Perhaps the answer of a proxy.
    }
    const code = said['code'] ?? said['grpc_code'];
    const why = typeof said['message'] === 'string' ? said['message'].slice(0, 200) : otherwise;
    const name = typeof code === 'number' ? rpcCodeName(code) : 'UNAVAILABLE';
    // A member that goes down reports its requests as CANCELLED, though this side has cancelled nothing.
    return new RpcError(name === 'CANCELLED' || name === 'UNKNOWN' ? 'UNAVAILABLE' : name, `etcd ${this.base}: ${why}`);
  }

  private late(): RpcError {
    return new RpcError(
      'UNAVAILABLE',
      `etcd ${this.base}: no answer within ${this.requestMsMax} ms (setting: requestMsMax)`,
    );
  }

  private failureOf(error: unknown, { signal }: AbortController): RpcError {
    if (signal.aborted && signal.reason instanceof RpcError) return signal.reason;
    if (error instanceof RpcError) return error;
    const { cause, message } = isError(error) ? error : new Error(reasonOf(error));
    const text = isError(cause) ? `${message} (${cause.message || (cause as NodeJS.ErrnoException).code})` : message;
    return new RpcError('UNAVAILABLE', `etcd ${this.base}: ${text}`, { cause: error });
  }
}

/** Tokens expire, end with the member that gave them, and with every change of users and roles. */
function isOfToken({ code, message }: RpcError): boolean {
  return code === 'UNAUTHENTICATED' || /auth (?:token|store)/.test(message);
}

/** A value as an object of unknown members; anything but an object has none. */
export function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Throws an `RpcError` (INVALID_ARGUMENT) for a URL that is none of etcd, or a missing prefix. */
function basesOf({ endpoints = [], prefix = '' }: Partial<EtcdOptions>): string[] {
  if (endpoints.length === 0) throw new RpcError('INVALID_ARGUMENT', 'etcd needs at least one endpoint');
  if (prefix.replace(/\/$/, '') === '')
    throw new RpcError('INVALID_ARGUMENT', 'etcd needs a prefix, such as /services/cities');
  return endpoints.map((endpoint) => {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
    if (url !== null && /^https?:$/.test(url.protocol)) return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
    throw new RpcError('INVALID_ARGUMENT', `the etcd endpoint ${JSON.stringify(endpoint)} is not http://host:port`);
  });
}

/** `etcd://host:port,host:port/prefix`. */
export function nameOf(options: EtcdOptions): string {
  const hosts = basesOf(options).map((base) => new URL(base).host);
  return `etcd://${hosts.join(',')}/${options.prefix.replace(/^\//, '')}`;
}

/** The lines of a body that are not empty, each at most so long. */
async function* linesOf(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    bytes += chunk.length;
    if (bytes > bytesMax) {
      const limit = { name: 'responseBytesMax', value: bytesMax, setting: 'responseBytesMax of the resolver' };
      throw limitError('the answer of etcd is too long', limit);
    }
    parts.push(first);
    for (const other of others) {
      const line = parts.join('');
      if (line !== '') yield line;
      parts = [other];
      bytes = other.length;
    }
  }
  const line = parts.join('');
  if (line.trim() !== '') yield line;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
