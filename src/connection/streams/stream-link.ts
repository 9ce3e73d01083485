/** What a stream needs of its connection, in either direction. */
import type { ConnectionState } from '../lifecycle/state.js';
import type { MessageScope } from '../messages/message-scope.js';
import type { MessageSender } from '../messages/message-sender.js';
import type { WriteQueue } from '../messages/write-queue.js';
import type { StreamTurns } from './stream-turns.js';

/** A stream that owes its peer a CREDIT frame. */
export interface CreditDebtor {
  settleCredit(): void;
}

export interface StreamLink extends MessageScope {
  readonly state: ConnectionState;
  /** Milliseconds of the clock, read once per chunk and once per batch of calls. */
  readonly now: number;
  /** Milliseconds in which nothing was read before the chunk that is being read. */
  readonly silentMs: number;
  readonly queue: WriteQueue;
  readonly sender: MessageSender;
  readonly turns: StreamTurns;
  readonly reader: MessageScope['reader'] & {
    /** Lets the stream settle its credit behind the chunk that is being read, or at once when none is. */
    settleBehindChunk(stream: CreditDebtor): void;
  };
}
