/** The first words of both sides: preface and HELLO out at once, the peer's HELLO judged when it comes. */
import type { AnnouncedLimits } from '../base/limits.js';
import { CHECKSUM_BYTES, CloseCode, FrameType, PREFACE, PROTOCOL_VERSION } from '../wire/constants.js';
import { agreedVersion, decodeHello, encodeHello, type Hello } from '../wire/records/hello.js';
import { WireError } from '../wire/wire-error.js';
import type { ConnectionOptions } from './connection-options.js';
import type { FrameReader } from './frame-reader.js';
import type { ConnectionState } from './state.js';
import type { WriteQueue } from './write-queue.js';

/** The capability of spec/protocol.md 3.8. */
const CHECKSUM = 'checksum';

const versions = { versionMin: PROTOCOL_VERSION, versionMax: PROTOCOL_VERSION };

export function writeGreeting(queue: WriteQueue, options: ConnectionOptions): void {
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

/** Throws a `WireError` when it is no HELLO, or one of a version that this side does not speak. */
export function readHello(buffer: Buffer, start: number, end: number): Hello {
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
  { checksums }: ConnectionOptions,
  queue: WriteQueue,
  reader: FrameReader,
): AnnouncedLimits {
  if (!checksums || !capabilities.includes(CHECKSUM)) return limits;
  queue.writeChecksums(checksums);
  reader.acceptChecksums(checksums);
  return { ...limits, frameBytesMax: limits.frameBytesMax - CHECKSUM_BYTES };
}

/** The text for a peer that did not say HELLO in time. */
export function describeLateHello({ side, handshakeMs }: ConnectionOptions): string {
  const setting = side === 'dialing' ? 'connectMsMax' : 'handshakeMsMax';
  return `no HELLO within ${Math.round(handshakeMs)} ms (setting: limits.${setting})`;
}

/** A TLS 1.3 client is told of its certificate's refusal only by the end of the connection. */
const CERTIFICATE_HINT = ' (a server that refuses the TLS certificate of its client ends it like this)';

/** The text for a peer that ended the stream inside a frame (`truncated`) or before its HELLO. */
export function describeEarlyEnd(
  truncated: WireError | null,
  state: ConnectionState,
  { transport, side }: ConnectionOptions,
): string {
  const text = truncated?.message ?? 'the peer ended the connection before its HELLO';
  const greeting = state === 'greeting' && side === 'dialing' && transport.identity.kind === 'tls';
  return greeting ? text + CERTIFICATE_HINT : text;
}
