/**
 * The socket as a connection sees it: bytes in, bytes out, how much is still unsent. `SocketTransport` is one on
 * `node:net`, `node:tls` and unix sockets, `memoryPair` two that face each other without a network.
 */

/** Who is at the other end, as far as the transport knows. */
export interface PeerIdentity {
  readonly kind: 'tcp' | 'tls' | 'unix' | 'memory';
  /** IP address or unix path; empty when unknown. */
  readonly address: string;
  /** Port, 0 where there is none. */
  readonly port: number;
  /** The peer's certificate, when it showed one over TLS. */
  readonly certificate: PeerCertificateSummary | null;
}

export interface PeerCertificateSummary {
  /** Common name of the subject, empty when it has none. */
  readonly subject: string;
  /** Subject alternative names as node:tls prints them, such as `DNS:localhost`. */
  readonly alternativeNames: string;
  /** SHA-256 of the certificate, as hex pairs with colons. */
  readonly fingerprint256: string;
  /** The chain was verified against the trusted authorities. */
  readonly authorized: boolean;
}

export interface TransportEvents {
  /** Bytes came. The chunk may be read until the callback returns. */
  onData(chunk: Buffer): void;
  /** After `write` returned false: everything written has left. */
  onDrain(): void;
  /** The peer ended its half. */
  onEnd(): void;
  /** The transport is gone; once, and nothing after it. */
  onClose(error: Error | null): void;
}

export interface Transport {
  readonly identity: PeerIdentity;
  /** Begins to deliver events. Called once. */
  start(events: TransportEvents): void;
  /**
   * Sends the bytes. False: enough is waiting, go on after `onDrain`. The bytes must stay unchanged until they have left,
   * which `unsentBytes === 0` shows.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes accepted by `write` that have not left this process. */
  readonly unsentBytes: number;
  /** Bytes that have left this process so far: it grows as long as the peer reads. */
  readonly sentBytes: number;
  /** Between these two calls, writes may be joined. */
  cork(): void;
  uncork(): void;
  /** Stops reading until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then ends this half. */
  end(): void;
  /** Drops everything at once. */
  destroy(): void;
  /** Keeps the process alive, or no longer does. Absent: it never does. */
  ref?(): void;
  unref?(): void;
}
