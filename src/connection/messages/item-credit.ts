/**
 * How many bytes the ITEM frames of one stream may still cost, each 12 plus its body (spec/protocol.md, chapter 7): what the
 * receiver gave and the sender has not spent. Read and spent by whoever writes ITEM frames.
 */
export interface ItemCredit {
  readonly left: number;
  /** One ITEM frame of this cost was written. */
  spend(bytes: number): void;
}
