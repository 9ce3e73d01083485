/**
 * The handshake: preface and HELLO out at once, the peer's HELLO checked when it comes, all within a time. Used by `Connection`,
 * which enters the state `open` with the HELLO that `read` returns.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type AnnouncedLimits, describeLimit, type Limits, limitOf } from '../../base/limits.js';
import type { Transport } from '../../transport/transport.js';
import {
  CHECKSUM_BYTES,
  CloseCode,
  FrameType,
  frameTypeName,
  PREFACE,
  PROTOCOL_VERSION,
} from '../../wire/constants.js';
import type { FrameDecoder } from '../../wire/decoder.js';
import type { FrameChecksums } from '../../wire/frame-checksums.js';
import { agreedVersion, decodeHello, encodeHello, type Hello } from '../../wire/records/hello.js';
import { WireError } from '../../wire/wire-error.js';
import type { WriteQueue } from '../messages/write-queue.js';

/** What a side says of itself in HELLO, and how long it waits for the peer's. */
export interface GreetingOptions {
  readonly transport: Transport;
  readonly side: 'dialing' | 'accepting';
  readonly limits: Limits;
  /** Milliseconds until the peer's HELLO must have been read. */
  readonly handshakeMs: number;
  readonly compressors: readonly { readonly name: string }[];
  /** Frames have checksums where the peer wants that too. Default: they have none. */
  readonly checksums?: FrameChecksums | null;
  /** Name and version, for the peer's eyes. */
  readonly software: string;
  /** 16 bytes that name this process. */
  readonly instance: Buffer;
}

/** A TLS 1.3 client is told of its certificate's refusal only by the end of the connection. */
const CERTIFICATE_HINT = ' (a server that refuses the TLS certificate of its client ends it like this)';

/** The capability of spec/protocol.md 3.8. */
const CHECKSUM = 'checksum';

const versions = { versionMin: PROTOCOL_VERSION, versionMax: PROTOCOL_VERSION };

export class Handshake {
  private timer: Timer | null;

  /** Writes preface and HELLO. `onLate` is told the reason when the peer's HELLO was not read in time. */
  constructor(
    private readonly options: GreetingOptions,
    clock: Clock,
    queue: WriteQueue,
    onLate: (text: string) => void,
  ) {
    // What has arrived by then is read first: the loop may have been blocked for longer than the peer took.
    const end = (): void => {
      if (this.timer !== null) onLate(describeLateHello(options));
    };
    this.timer = clock.setTimer(() => clock.afterReads(end), options.handshakeMs);
    writeGreeting(queue, options);
  }

  /** The peer's first frame. Throws a `WireError` when it is no HELLO, or one of a version that this side does not speak. */
  read({ type, buffer, start, end }: FrameDecoder): Hello {
    if (type !== FrameType.HELLO) throw new WireError(CloseCode.PROTOCOL, `${frameTypeName(type)} came before HELLO`);
    const hello = readHello(buffer, start, end);
    this.stop();
    return hello;
  }

  /** The text for a peer that ended the stream inside a frame (`truncated`) or before its HELLO. */
  describeEarlyEnd(truncated: WireError | null): string {
    const text = truncated?.message ?? 'the peer ended the connection before its HELLO';
    const { side, transport } = this.options;
    const pending = this.timer !== null && side === 'dialing' && transport.identity.kind === 'tls';
    return pending ? text + CERTIFICATE_HINT : text;
  }

  /** The handshake is done, or the connection is over. */
  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}

function writeGreeting(queue: WriteQueue, options: GreetingOptions): void {
  queue.reserve(PREFACE.length);
  queue.slab.set(PREFACE, queue.end);
  queue.commit(queue.end + PREFACE.length);
  const hello: Hello = {
    ...versions,
    capabilities: options.checksums ? [CHECKSUM] : [],
    limits: options.limits,
    compression: options.compressors.map((compressor) => compressor.name),
    auth: null,
    software: options.software,
    instance: options.instance,
    extensions: {},
  };
  queue.writeFrame(FrameType.HELLO, 0, 0, 0, encodeHello(hello));
}

function readHello(buffer: Buffer, start: number, end: number): Hello {
  const hello = decodeHello(buffer, start, end);
  if (agreedVersion(hello, versions) === 0) {
    const theirs = `${hello.versionMin} to ${hello.versionMax}`;
    throw new WireError(CloseCode.VERSION, `this side speaks version ${PROTOCOL_VERSION}, the peer ${theirs}`);
  }
  return hello;
}

/**
 * Checksums from here on, both ways, where both sides have announced them. Returns what the peer accepts; `frameBytesMax` is that of a
 * payload without its checksum.
 */
export function agreeChecksums(
  { capabilities, limits }: Hello,
  { checksums }: GreetingOptions,
  queue: WriteQueue,
  reader: { acceptChecksums(checksums: FrameChecksums): void },
): AnnouncedLimits {
  if (!checksums || !capabilities.includes(CHECKSUM)) return limits;
  queue.writeChecksums(checksums);
  reader.acceptChecksums(checksums);
  return { ...limits, frameBytesMax: limits.frameBytesMax - CHECKSUM_BYTES };
}

/** The text for a peer that did not say HELLO in time. */
function describeLateHello({ side, handshakeMs, limits }: GreetingOptions): string {
  const name = side === 'dialing' ? 'connectMsMax' : 'handshakeMsMax';
  return describeLimit(`no HELLO within ${Math.round(handshakeMs)} ms`, limitOf(limits, name));
}
