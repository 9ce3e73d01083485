/**
 * The types by which applications call and serve: clients with their stubs, options of a call, the peer at the other end, and the
 * context of a handler. Types only; `stubs.ts`, `peer.ts` and `connection/calls/call-context.ts` implement them.
 */
import type { KindOf, RequestInput, ResponseOutput } from '../avro/service/method.js';
import type { ServiceDefinition } from '../avro/service/service.js';
import type { AnnouncedLimits } from '../base/limits.js';
import type { CallResult } from '../connection/calls/pending-call.js';
import type { IncomingBlob, OutgoingBlob } from '../connection/streams/blob.js';
import type { ItemStream } from '../connection/streams/item-stream.js';
import type { ItemSource } from '../connection/streams/source.js';
import type { PeerCertificateSummary } from '../transport/transport.js';
import type { Metadata } from '../wire/records/metadata.js';

/** What a handler knows of its call. One object per call. */
export interface CallContext {
  /** Set it to send metadata with the answer or the failure. Default null: none. */
  responseMetadata: Metadata | null;
  /** Among answers that are too long for one frame, those with the higher priority are sent first. A whole number; default 0. */
  priority: number;
  /** The caller's metadata: strings and Buffers by name, on an object without prototype. Empty when there was none. */
  readonly metadata: Metadata;
  /** Milliseconds left until the call's deadline, 0 when it has passed, Infinity when it has none. */
  readonly deadlineMs: number;
  /**
   * Aborts when the caller cancels, the deadline passes or the connection is lost; `signal.reason` is the `RpcError` that
   * says which.
   */
  readonly signal: AbortSignal;
  /** Who calls. */
  readonly peer: Peer;
}

/** The other end of a connection. */
export interface Peer {
  /** What the connection runs on: `memory` for one without a socket, in tests and simulations. */
  readonly kind: 'tcp' | 'tls' | 'unix' | 'memory';
  /** IP address or unix path; empty when unknown. */
  readonly address: string;
  /** 0 where there is none. */
  readonly port: number;
  /** The certificate that the peer showed over TLS; null without one. `authorized` says whether it was verified. */
  readonly certificate: PeerCertificateSummary | null;
  /** What the peer calls itself, such as `trunkline/0.1.0`; empty until the handshake. */
  readonly software: string;
  /** 16 bytes in hex that name the peer's process; empty until the handshake. */
  readonly instance: string;
  /** Optional parts of the protocol that the peer knows; empty until the handshake. */
  readonly capabilities: readonly string[];
  /** What the peer accepts; the protocol's minimum until the handshake. */
  readonly limits: AnnouncedLimits;
  /** Whether calls can be made: the connection is up, and the peer is not draining. */
  readonly callable: boolean;
  /** Resolves when the connection is gone; never rejects. */
  readonly closed: Promise<void>;
  /**
   * The client of a service that this peer serves, over this connection alone. Its calls fail with UNAVAILABLE once the connection
   * is lost or the peer drains.
   */
  client<S extends ServiceDefinition>(service: S): Client<S>;
  /** `tcp://127.0.0.1:50051`, or `unix:/path`. */
  toString(): string;
}

export interface CallOptions {
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED; Infinity for never. Default: the channel's. */
  readonly deadlineMs?: number;
  /** Cancels the call: it fails with CANCELLED at once, and the handler's `context.signal` aborts. */
  readonly signal?: AbortSignal;
  /**
   * The context of the handler that makes this call as part of its own call. The call's deadline is no later than that call's, and it is
   * cancelled with it; the error's `cause` says why.
   */
  readonly parent?: CallContext;
  /** Sent with the request: strings and Buffers by name. */
  readonly metadata?: Metadata;
  /**
   * Among messages that are too long for one frame, those with the higher priority are sent first. A whole number; default 0. It applies
   * to what this side sends; for the answer the handler sets `context.priority`.
   */
  readonly priority?: number;
  /**
   * Records where the call's time goes, on both sides: see `CallLedger`. It is in the result of `detailed(...)`, on a stream once that has
   * ended, and on the `RpcError` of a call that the other side failed. Default: the channel's `ledger`.
   */
  readonly ledger?: boolean;
  /** Calls with the same key go to the same endpoint, if the channel's balancer is `consistentHash`. Default: none. */
  readonly key?: string;
  /**
   * When no endpoint can be reached, the call waits until its deadline instead of failing with UNAVAILABLE. Default: the channel's
   * `waitForReady`.
   */
  readonly waitForReady?: boolean;
  /** The call may run twice without harm, so the channel may retry it after a failure. Default: the method's `idempotent`. */
  readonly idempotent?: boolean;
}

/** Calls a unary method: for the response, or with `detailed` for the response with its metadata, ledger and attempts. */
export interface UnaryStub<Request, Response> {
  /** Rejects with an `RpcError`. */
  (request: Request, options?: CallOptions): Promise<Response>;
  /** The same call; resolves with `{ value, metadata, ledger, attempts }`. */
  detailed(request: Request, options?: CallOptions): Promise<CallResult<Response>>;
}

/** Calls a method without an answer: resolves when the request is queued for sending, whether or not it arrives. */
export type OnewayStub<Request> = (request: Request, options?: CallOptions) => Promise<void>;

/**
 * Calls a server-streaming method: `for await (const item of stub(request))`. The call begins at once, whether or not the stream is read.
 * The stub never throws; the stream throws failures. The deadline covers the whole stream; use `Infinity` for a stream without an end.
 */
export type ServerStreamStub<Request, Response> = (request: Request, options?: CallOptions) => ItemStream<Response>;

/**
 * Calls a client-streaming method. Its messages come from an array, a generator, a `Readable` of objects or any other iterable. If the call
 * ends first, the iterable is closed too, which runs a generator's `finally`.
 */
export interface ClientStreamStub<Request, Response> {
  /** Rejects with an `RpcError`: CANCELLED, with the error as its `cause`, when the iterable throws. */
  (items: ItemSource<Request>, options?: CallOptions): Promise<Response>;
  /** The same call; resolves with `{ value, metadata, ledger, attempts }`. */
  detailed(items: ItemSource<Request>, options?: CallOptions): Promise<CallResult<Response>>;
}

/** Calls a bidirectional-streaming method: sends as `ClientStreamStub`, receives as `ServerStreamStub`, independently of each other. */
export type DuplexStub<Request, Response> = (items: ItemSource<Request>, options?: CallOptions) => ItemStream<Response>;

/**
 * Calls a method of raw bytes: `const { head, body } = await put({ head, body: bytes })`. Resolves with the answer's head. Its bytes follow
 * in `body`, which throws if the call fails later. The deadline covers the whole call.
 */
export type BlobStub<Request, Response> = (
  blob: OutgoingBlob<Request>,
  options?: CallOptions,
) => Promise<IncomingBlob<Response>>;

interface StubsOf<Request, Response> {
  readonly unary: UnaryStub<Request, Response>;
  readonly serverStream: ServerStreamStub<Request, Response>;
  readonly clientStream: ClientStreamStub<Request, Response>;
  readonly duplex: DuplexStub<Request, Response>;
  readonly oneway: OnewayStub<Request>;
  readonly blob: BlobStub<Request, Response>;
}

/** The function that calls method `M`. */
type StubOf<M> = StubsOf<RequestInput<M>, ResponseOutput<M>>[KindOf<M>];

/** The client of service `S`: a function for each of its methods. */
export type Client<S extends ServiceDefinition> = {
  readonly [N in keyof S['methods']]: StubOf<S['methods'][N]>;
};
