/** Guesses which protocol a peer speaks that did not send the preface: the text of the CLOSE frame, for people. */
import { PREFACE } from './constants.js';

const httpMethod = /^(?:GET|PUT|POST|HEAD|PRI|PATCH|DELETE|OPTIONS|CONNECT|TRACE) ?/;

/** `seen`: the first bytes of the stream, up to and behind the first wrong one. */
export function describePrefaceMismatch(seen: Uint8Array): string {
  const text = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength).toString('latin1');
  if (seen[0] === 0x16 && (seen.length < 2 || seen[1] === 0x03)) {
    return 'the peer speaks TLS to a port without TLS (use a tcp:// target, or give the server its tls options)';
  }
  if (httpMethod.test(text)) return 'the peer speaks HTTP, not Trunkline';
  if (seen[0] === (PREFACE[0] & 0x7f)) return 'the preface lost its high bit: the channel is not 8-bit clean';
  if (seen[0] === PREFACE[0] && text.slice(1, 4) === 'TKL') {
    return 'the preface was changed on the way: the channel translates line ends';
  }
  return `these are not the first bytes of a Trunkline connection: ${Buffer.from(text, 'latin1').toString('hex')}`;
}
