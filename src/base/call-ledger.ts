/**
 * Where the time of one call went: durations that follow one another and together are the total. Made by `connection/` from
 * marks of this side's clock and what the callee said of its own (protocol 6.8); no two clocks are compared.
 */

/** Microseconds, whole numbers. The parts stand in the order of time, and their sum is `totalUs`. */
export interface CallLedger {
  /** From the call of the stub until its answer was decoded, or for a failed call and for a stream until its end was read. */
  readonly totalUs: number;
  /** Before the request was encoded: waiting for a connection, a free slot, or room. */
  readonly waitingUs: number;
  /** Encoding the request. Items of the caller's stream do not count: they go out while the peer is at work. */
  readonly encodingUs: number;
  /** From the encoded request until the kernel had all of its bytes: the end of the tick, and what the socket did not take. */
  readonly socketUs: number;
  /** Both ways together: what is left of the total. The peer's unsent answer counts here as well. */
  readonly networkUs: number;
  /**
   * The peer had the request, and its handler was not at work: a busy event loop, a wait for schemas or for a free handler, an
   * answer that waited for room.
   */
  readonly peerWaitingUs: number;
  /** From the start of the peer's handler until it had answered; of a stream, until its last item was taken from it. */
  readonly peerHandlerUs: number;
  /** Encoding the answer at the peer; of a stream, all its items. */
  readonly peerEncodingUs: number;
  /**
   * The answer may have been here, and this process was too busy to read it. What the loop was busy for, and never more than is
   * left beside the peer's own time: an answer that came while the loop was busy counts from when it became so.
   */
  readonly lateUs: number;
  /** Decoding the answer. Items of a stream do not count: they are decoded while the peer is at work. */
  readonly decodingUs: number;
}

/** Names for people, in the order of time. */
const parts: readonly (readonly [name: Exclude<keyof CallLedger, 'totalUs'>, label: string])[] = [
  ['waitingUs', 'waiting here'],
  ['encodingUs', 'encoding'],
  ['socketUs', 'waiting for the socket'],
  ['networkUs', 'network, both ways'],
  ['peerWaitingUs', 'waiting at the peer'],
  ['peerHandlerUs', 'handler'],
  ['peerEncodingUs', 'encoding at the peer'],
  ['lateUs', 'answer unread here'],
  ['decodingUs', 'decoding here'],
];

const BAR_CELLS = 40;

/** The ledger as a picture for people: a line for each part, its bar where the part lies in the total. */
export function formatLedger(ledger: CallLedger): string {
  const { totalUs } = ledger;
  const cellUs = Math.max(totalUs, 1) / BAR_CELLS;
  const labelChars = Math.max(...parts.map(([, label]) => label.length));
  const lines: string[] = [];
  let atUs = 0;
  for (const [name, label] of parts) {
    const us = ledger[name];
    const from = Math.min(Math.floor(atUs / cellUs), BAR_CELLS - 1);
    atUs += us;
    const to = Math.round(atUs / cellUs);
    const bar = us === 0 ? '' : '#'.repeat(Math.max(1, to - from));
    lines.push(line(label.padEnd(labelChars), us, `${' '.repeat(from)}${bar}`));
  }
  return [...lines, line('total'.padEnd(labelChars), totalUs, '')].join('\n');
}

function line(label: string, us: number, bar: string): string {
  return `${label} ${(us / 1_000).toFixed(3).padStart(10)} ms |${bar.padEnd(BAR_CELLS)}|`;
}
