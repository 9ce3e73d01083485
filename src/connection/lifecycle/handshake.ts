/**
 * The handshake. Preface and HELLO are written at once; the peer's HELLO must be read within a time.
 *
 *   awaited --read(): a HELLO of a version that both speak--> done
 *      |
 *      +---- stop(): the connection is over; or the time is up --> stopped
 *
 * The timer runs only in `awaited`. Used by `Connection`, which opens with the HELLO that `read` returns.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type AnnouncedLimits, describeLimit, type Limits, limitOf } from '../../base/limits.js';
import { type Steps, step } from '../../base/state-machine.js';
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

/** What this side announces in HELLO, and how long it waits for the peer's. */
export interface GreetingOptions {
  readonly transport: Transport;
  readonly side: 'dialing' | 'accepting';
  readonly limits: Limits;
  /** Milliseconds until the peer's HELLO must have been read. */
  readonly handshakeMs: number;
  readonly compressors: readonly { readonly name: string }[];
  /** Frames have checksums where the peer wants that too. Default: they have none. */
  readonly checksums?: FrameChecksums | null;
  /** Name and version of this software, which the peer may show. */
  readonly software: string;
  /** 16 bytes that name this process. */
  readonly instance: Buffer;
}

/** In TLS 1.3 the only sign that a server refused the client's certificate is the end of the connection. */
const CERTIFICATE_HINT = ' (a server that refuses the TLS certificate of its client ends it like this)';

/** The capability of spec/protocol.md 3.8. */
const CHECKSUM = 'checksum';

const versions = { versionMin: PROTOCOL_VERSION, versionMax: PROTOCOL_VERSION };

export type HandshakeState = 'awaited' | 'done' | 'stopped';

const steps: Steps<HandshakeState> = { awaited: ['done', 'stopped'], done: ['stopped'], stopped: ['stopped'] };

export class Handshake {
  private state: HandshakeState = 'awaited';
  private timer: Timer | null;

  /** Writes preface and HELLO. `onLate`: the peer's HELLO was not read in time. */
  constructor(
    private readonly options: GreetingOptions,
    clock: Clock,
    queue: WriteQueue,
    onLate: (error: WireError) => void,
  ) {
    // What has arrived by then is read first: the loop may have been blocked for longer than the peer took.
    const end = (): void => {
      if (this.state !== 'awaited') return;
      this.stop();
      onLate(new WireError(CloseCode.HANDSHAKE_TIMEOUT, describeLateHello(options)));
    };
    this.timer = clock.setTimer(() => clock.afterReads(end), options.handshakeMs);
    writeGreeting(queue, options);
  }

  /** The peer's first frame. Throws a `WireError` when it is no HELLO, or one of a version that this side does not speak. */
  read({ type, buffer, start, end }: FrameDecoder): Hello {
    if (type !== FrameType.HELLO) throw new WireError(CloseCode.PROTOCOL, `${frameTypeName(type)} came before HELLO`);
    const hello = readHello(buffer, start, end);
    this.enter('done');
    return hello;
  }

  /** The text for a peer that ended the stream inside a frame (`truncated`) or before its HELLO. */
  describeEarlyEnd(truncated: WireError | null): string {
    const text = truncated?.message ?? 'the peer ended the connection before its HELLO';
    const { side, transport } = this.options;
    const pending = this.state === 'awaited' && side === 'dialing' && transport.identity.kind === 'tls';
    return pending ? text + CERTIFICATE_HINT : text;
  }

  /** The connection is over. */
  stop(): void {
    this.enter('stopped');
  }

  private enter(to: HandshakeState): void {
    this.state = step('the handshake', steps, this.state, to);
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
 * Turns checksums on, both ways, if both sides announced them. Returns the peer's limits, with `frameBytesMax` for a payload without
 * its checksum.
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

/** The text for a peer whose HELLO was not read in time. */
function describeLateHello({ side, handshakeMs, limits }: GreetingOptions): string {
  const name = side === 'dialing' ? 'connectMsMax' : 'handshakeMsMax';
  return describeLimit(`no HELLO within ${Math.round(handshakeMs)} ms`, limitOf(limits, name));
}
