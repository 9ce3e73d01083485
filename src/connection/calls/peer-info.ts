/** Who is at the other end of a connection. What handlers and callers see is made of it in `peer/peer.ts`. */
import type { AnnouncedLimits } from '../../base/limits.js';
import { minimumLimits } from '../../base/limits.js';
import type { PeerCertificateSummary, PeerIdentity } from '../../transport/transport.js';
import type { Hello } from '../../wire/records/hello.js';

export class PeerInfo {
  readonly kind: PeerIdentity['kind'];
  /** IP address or unix path. */
  readonly address: string;
  readonly port: number;
  /** The certificate that the peer showed over TLS, verified unless verification was switched off; null without one. */
  readonly certificate: PeerCertificateSummary | null;
  /** The peer's HELLO; empty until it has been read. */
  software = '';
  /** 16 bytes in hex that name the peer's process; empty until its HELLO has been read. */
  instance = '';
  capabilities: readonly string[] = [];
  limits: AnnouncedLimits = minimumLimits;

  constructor(identity: PeerIdentity) {
    this.kind = identity.kind;
    this.address = identity.address;
    this.port = identity.port;
    this.certificate = identity.certificate;
  }

  /** @internal Its HELLO was read. */
  greet(hello: Hello): void {
    this.software = hello.software;
    this.instance = hello.instance.toString('hex');
    this.capabilities = hello.capabilities;
    this.limits = hello.limits;
  }

  toString(): string {
    return this.kind === 'unix' ? `unix:${this.address}` : `${this.kind}://${this.address}:${this.port}`;
  }
}
